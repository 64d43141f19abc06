// extern "C" shims of blueprints, lattices and the oracle.
#include <cstring>

#include "abi/context_handle.hpp"
#include "abi/error.hpp"
#include "abi/lattice_handle.hpp"
#include "cpu/lattice_run.hpp"
#include "layout/blueprint.hpp"
#include "reference/reference.hpp"

namespace {

using esper::invalid;
using esper::require_pointer;
using esper::require_struct;
using esper::abi::guarded;

// True if two arrays of count floats share memory.
bool overlap(const float* a, const float* b, std::int64_t count) {
  const auto first = reinterpret_cast<std::uintptr_t>(a);
  const auto second = reinterpret_cast<std::uintptr_t>(b);
  const auto bytes = static_cast<std::uintptr_t>(count) * sizeof(float);
  return first < second + bytes && second < first + bytes;
}

// Throws if target overlaps source; the same array is fine where in_place says so.
void require_apart(const float* source, const char* source_name, const float* target, const char* target_name,
                   std::int64_t count, bool in_place) {
  if (source == target ? !in_place : overlap(source, target, count)) {
    throw invalid(
        std::string(target_name) + " overlaps " + source_name +
        (in_place ? "; pass the same pointer to work in place, or separate memory" : "; it must be separate memory"));
  }
}

esper_lattice_seed checked_seed(const esper_lattice_seed* seed) {
  require_pointer(seed, "seed");
  require_struct(seed->struct_size, sizeof *seed, "seed");
  esper::layout::check_seed(*seed, 0);
  return *seed;
}

void require_sums(const esper_seed_sums* sums, std::size_t count) {
  if (sums == nullptr || count == 0) {
    return;
  }
  require_struct(sums->struct_size, sizeof *sums, "sums[0]");
  const char* entry = reinterpret_cast<const char*>(sums);
  for (std::size_t i = 0; i < count; ++i) {
    std::uint32_t size = 0;
    std::memcpy(&size, entry + i * sums->struct_size, sizeof size);
    if (size != sums->struct_size) {
      throw invalid("sums[" + std::to_string(i) + "].struct_size is " + std::to_string(size) + ", expected " +
                    std::to_string(sums->struct_size) + " as in sums[0]");
    }
  }
}

}  // namespace

esper_status esper_chunk(int32_t channels, int32_t seeds, int32_t index, int32_t* begin, int32_t* count) {
  return guarded([&] {
    require_pointer(begin, "begin");
    require_pointer(count, "count");
    if (seeds < 1 || seeds > channels) {
      throw invalid("seeds is " + std::to_string(seeds) + ", expected 1 to channels (" + std::to_string(channels) +
                    ")");
    }
    if (index < 0 || index >= seeds) {
      throw invalid("index is " + std::to_string(index) + ", expected 0 to " + std::to_string(seeds - 1));
    }
    const int32_t size = channels / seeds;
    const int32_t larger = channels % seeds;
    *begin = index * size + (index < larger ? index : larger);
    *count = size + (index < larger ? 1 : 0);
  });
}

esper_status esper_parameter_count(const esper_lattice_seed* seed, int64_t* count) {
  return guarded([&] {
    require_pointer(count, "count");
    *count = esper::layout::parameter_map(checked_seed(seed)).count;
  });
}

esper_status esper_forward_flops(const esper_lattice_seed* seed, int64_t* flops) {
  return guarded([&] {
    require_pointer(flops, "flops");
    *flops = esper::layout::forward_flops(checked_seed(seed));
  });
}

esper_status esper_parameter_init(const esper_lattice_seed* seed, uint64_t key, float* parameters) {
  return guarded([&] {
    require_pointer(parameters, "parameters");
    esper::layout::initialise(checked_seed(seed), key, parameters);
  });
}

esper_status esper_lattice_create(int32_t channels, const esper_lattice_seed* seeds, int32_t seed_count,
                                  esper_lattice** lattice) {
  return guarded([&] {
    require_pointer(lattice, "lattice");
    *lattice = new esper_lattice{esper::layout::Lattice(channels, seeds, seed_count)};
  });
}

void esper_lattice_destroy(esper_lattice* lattice) {
  delete lattice;
}

esper_status esper_lattice_update(esper_lattice* lattice, const esper_lattice_seed* seeds, int32_t seed_count) {
  return guarded([&] {
    require_pointer(lattice, "lattice");
    lattice->core.update(seeds, seed_count);
  });
}

esper_status esper_lattice_query(const esper_lattice* lattice, int32_t* blended, int32_t* learning) {
  return guarded([&] {
    require_pointer(lattice, "lattice");
    if (blended != nullptr) {
      *blended = lattice->core.blended() ? 1 : 0;
    }
    if (learning != nullptr) {
      *learning = lattice->core.learning() ? 1 : 0;
    }
  });
}

esper_status esper_lattice_forward(esper_lattice* lattice, esper_context* context, const esper_shape* shape,
                                   const float* theta, int64_t theta_count, const float* x, float* y) {
  return guarded([&] {
    require_pointer(lattice, "lattice");
    require_pointer(context, "context");
    const std::int64_t elements = lattice->core.check_shape(shape);
    lattice->core.check_theta(theta, theta_count);
    if (elements == 0) {
      return;
    }
    require_pointer(x, "x");
    require_pointer(y, "y");
    require_apart(x, "x", y, "y", elements, true);
    esper::cpu::lattice_forward(lattice->core, context->core, *shape, theta, x, y);
  });
}

esper_status esper_lattice_backward(esper_lattice* lattice, esper_context* context, const esper_shape* shape,
                                    const float* theta, int64_t theta_count, const float* x, const float* dy, float* dx,
                                    float* dtheta, float* dalpha, esper_seed_sums* sums) {
  return guarded([&] {
    require_pointer(lattice, "lattice");
    require_pointer(context, "context");
    const std::int64_t elements = lattice->core.check_shape(shape);
    lattice->core.check_theta(theta, theta_count);
    require_sums(sums, lattice->core.seeds().size());
    if (elements > 0) {
      require_pointer(x, "x");
      require_pointer(dy, "dy");
      if (dx != nullptr) {
        require_apart(dy, "dy", dx, "dx", elements, true);
        require_apart(x, "x", dx, "dx", elements, false);
      }
    }
    esper::cpu::lattice_backward(lattice->core, context->core, *shape, theta, {x, dy, dx, dtheta, dalpha, sums});
  });
}

esper_status esper_reference_forward(const esper_lattice* lattice, const esper_shape* shape, const double* theta,
                                     int64_t theta_count, const double* x, double* y) {
  return guarded([&] {
    require_pointer(lattice, "lattice");
    const std::int64_t elements = lattice->core.check_shape(shape);
    lattice->core.check_theta(theta, theta_count);
    if (elements > 0) {
      require_pointer(x, "x");
      require_pointer(y, "y");
    }
    if (elements > 0 && x == y) {
      throw invalid("y is x; the oracle works out of place only");
    }
    esper::reference::forward(lattice->core, *shape, theta, x, y);
  });
}

esper_status esper_reference_backward(const esper_lattice* lattice, const esper_shape* shape, const double* theta,
                                      int64_t theta_count, const double* x, const double* dy, double* dx,
                                      double* dtheta, double* dalpha) {
  return guarded([&] {
    require_pointer(lattice, "lattice");
    const std::int64_t elements = lattice->core.check_shape(shape);
    lattice->core.check_theta(theta, theta_count);
    if (elements > 0) {
      require_pointer(x, "x");
      require_pointer(dy, "dy");
    }
    if (elements > 0 && (dx == x || dx == dy)) {
      throw invalid("dx is x or dy; the oracle works out of place only");
    }
    esper::reference::backward(lattice->core, *shape, theta, x, dy, dx, dtheta, dalpha);
  });
}
