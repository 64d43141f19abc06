// extern "C" shims of the CUDA section.
#include <cstdio>
#include <cstring>
#include <memory>

#include "abi/error.hpp"
#include "abi/lattice_handle.hpp"
#include "cuda/device_lattice.hpp"
#include "cuda/engine.hpp"
#include "cuda/image.hpp"
#include "cuda/nvrtc.hpp"
#include "cuda/optimizer_launch.hpp"

// Lattices share the engine, so that the order in which handles are destroyed is free.
struct esper_cuda {
  std::shared_ptr<esper::cuda::Engine> engine;
};

struct esper_cuda_lattice {
  esper::cuda::DeviceLattice core;
};

namespace {

using esper::require_pointer;
using esper::require_struct;
using esper::abi::guarded;
using esper::cuda::CuStream;

void copy_text(const std::string& text, char* target, std::size_t capacity) {
  std::snprintf(target, capacity, "%s", text.c_str());
}

// Describes device 0. Throws where the driver fails.
void query_device(const esper::cuda::Driver& driver, esper_cuda_info* info) {
  esper::cuda::CuDevice device = 0;
  driver.check(driver.device_get(&device, 0), "cuDeviceGet");
  driver.check(driver.device_name(info->name, sizeof info->name, device), "cuDeviceGetName");
  std::size_t bytes = 0;
  driver.check(driver.device_memory(&bytes, device), "cuDeviceTotalMem");
  info->memory = static_cast<std::int64_t>(bytes);
  info->multiprocessors = driver.attribute(device, esper::cuda::kCuMultiprocessorCount);
  info->capability = 10 * driver.attribute(device, esper::cuda::kCuCapabilityMajor) +
                     driver.attribute(device, esper::cuda::kCuCapabilityMinor);
}

void query_driver(esper_cuda_info* info) {
  try {
    const auto driver = esper::cuda::Driver::open_any();
    info->driver = driver->version();
    info->devices = driver->device_count();
    copy_text(driver->problem(), info->problem, sizeof info->problem);
    if (driver->problem().empty()) {
      query_device(*driver, info);
      if (info->capability < esper::cuda::kLowestCapability) {
        copy_text("device 0 has compute capability " + std::to_string(info->capability / 10) + "." +
                      std::to_string(info->capability % 10) + "; the kernels need 8.0 or later",
                  info->problem, sizeof info->problem);
      }
    }
  } catch (const esper::Error& error) {
    copy_text(error.what(), info->problem, sizeof info->problem);
  }
}

CuStream stream_of(void* stream) {
  return static_cast<CuStream>(stream);
}

}  // namespace

esper_status esper_cuda_query(esper_cuda_info* info) {
  return guarded([&] {
    require_pointer(info, "info");
    require_struct(info->struct_size, sizeof *info, "info");
    esper_cuda_info found{};
    found.struct_size = info->struct_size;
    query_driver(&found);
    try {
      found.nvrtc = esper::cuda::Nvrtc::open(found.driver)->version();
    } catch (const esper::Error&) {
      found.nvrtc = 0;
    }
    if (found.problem[0] == '\0' && found.nvrtc == 0 && esper::cuda::builtin_ptx(ESPER_DTYPE_FLOAT32) == nullptr) {
      copy_text("this build of libesper carries no PTX, and NVRTC is not installed", found.problem,
                sizeof found.problem);
    }
    *info = found;
  });
}

esper_status esper_cuda_create(const esper_cuda_options* options, esper_cuda** cuda) {
  return guarded([&] {
    require_pointer(options, "options");
    require_pointer(cuda, "cuda");
    require_struct(options->struct_size, sizeof *options, "options");
    auto engine = std::make_shared<esper::cuda::Engine>(*options);
    *cuda = new esper_cuda{std::move(engine)};
  });
}

void esper_cuda_destroy(esper_cuda* cuda) {
  delete cuda;
}

esper_status esper_cuda_describe(const esper_cuda* cuda, esper_cuda_description* description) {
  return guarded([&] {
    require_pointer(cuda, "cuda");
    require_pointer(description, "description");
    require_struct(description->struct_size, sizeof *description, "description");
    cuda->engine->describe(description);
  });
}

esper_status esper_cuda_compile(const char* architecture, int32_t dtype, void* image, int64_t capacity, int64_t* size) {
  return guarded([&] {
    require_pointer(architecture, "architecture");
    require_pointer(size, "size");
    if (capacity < 0 || (image == nullptr && capacity != 0)) {
      throw esper::invalid("capacity is " + std::to_string(capacity) + ", expected the room in image, 0 without one");
    }
    const esper::cuda::ImageRequest request{architecture, dtype};
    esper::cuda::check_request(request);
    const std::string compiled = esper::cuda::compile_image(*esper::cuda::Nvrtc::open(0), request);
    *size = static_cast<std::int64_t>(compiled.size());
    if (*size <= capacity) {
      std::memcpy(image, compiled.data(), compiled.size());
    }
  });
}

esper_status esper_cuda_lattice_create(esper_cuda* cuda, const esper_lattice* lattice, const esper_shape* shape,
                                       int32_t dtype, esper_cuda_lattice** device_lattice) {
  return guarded([&] {
    require_pointer(cuda, "cuda");
    require_pointer(lattice, "lattice");
    require_pointer(device_lattice, "device_lattice");
    lattice->core.check_shape(shape);
    *device_lattice = new esper_cuda_lattice{esper::cuda::DeviceLattice(cuda->engine, lattice->core, *shape, dtype)};
  });
}

void esper_cuda_lattice_destroy(esper_cuda_lattice* device_lattice) {
  delete device_lattice;
}

esper_status esper_cuda_lattice_update(esper_cuda_lattice* device_lattice, const esper_lattice* lattice, void* stream) {
  return guarded([&] {
    require_pointer(device_lattice, "device_lattice");
    require_pointer(lattice, "lattice");
    device_lattice->core.update(lattice->core, stream_of(stream));
  });
}

esper_status esper_cuda_lattice_forward(esper_cuda_lattice* device_lattice, void* stream, const float* theta,
                                        int64_t theta_count, const void* x, void* y) {
  return guarded([&] {
    require_pointer(device_lattice, "device_lattice");
    device_lattice->core.forward(stream_of(stream), theta, theta_count, x, y);
  });
}

esper_status esper_cuda_lattice_backward(esper_cuda_lattice* device_lattice, void* stream, const float* theta,
                                         int64_t theta_count, const void* x, const void* dy, void* dx, float* dtheta,
                                         float* dalpha, double* sums) {
  return guarded([&] {
    require_pointer(device_lattice, "device_lattice");
    device_lattice->core.backward(stream_of(stream), theta, theta_count, {x, dy, dx, dtheta, dalpha, sums});
  });
}

esper_status esper_cuda_optimizer_step(esper_cuda* cuda, void* stream, const esper_optimizer_options* options,
                                       const esper_arena_segment* segments, int32_t segment_count, int64_t count,
                                       float* parameters, const float* gradient, float* first, float* second) {
  return guarded([&] {
    require_pointer(cuda, "cuda");
    const esper::optimizer::Coefficients coefficients = esper::optimizer::make_coefficients(options);
    const esper::optimizer::Segments checked(coefficients, segments, segment_count, count);
    if (checked.active() == 0) {
      return;
    }
    const esper::optimizer::Arrays arrays =
        esper::optimizer::check_arrays(coefficients, count, {parameters, gradient, first, second});
    esper::cuda::optimizer_step(cuda->engine.get(), stream_of(stream), coefficients, checked, arrays);
  });
}
