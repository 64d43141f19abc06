#include "device_lattice.h"

#include <algorithm>

#include "error.h"

namespace esper::host {
namespace {

// Training and evaluation, each with full and last batch, and as many again.
constexpr size_t kMaxEntries = 8;

int32_t storage_of(at::ScalarType type) {
  if (type == at::kHalf) return ESPER_DTYPE_FLOAT16;
  return type == at::kBFloat16 ? ESPER_DTYPE_BFLOAT16 : ESPER_DTYPE_FLOAT32;
}

bool same_shape(const esper_shape& a, const esper_shape& b) {
  return a.layout == b.layout && a.batch == b.batch && a.positions == b.positions && a.width == b.width;
}

template <class Element>
Element* data_of(const at::Tensor& tensor) {
  return tensor.defined() && tensor.numel() > 0 ? static_cast<Element*>(tensor.data_ptr()) : nullptr;
}

}  // namespace

bool device_type_supported(at::ScalarType type) {
  return type == at::kFloat || type == at::kHalf || type == at::kBFloat16;
}

void DeviceLattices::create(const Device& device, const esper_lattice* lattice, uint64_t version, Entry& entry,
                            const std::string& place) {
  esper_cuda_lattice* tables = nullptr;
  check_esper(esper_cuda_lattice_create(device.cuda(), lattice, &entry.shape, entry.dtype, &tables), place);
  entry.tables.reset(tables);
  entry.version = version;
}

esper_cuda_lattice* DeviceLattices::find(const Device& device, const esper_lattice* lattice, uint64_t version,
                                         const esper_shape& shape, at::ScalarType type, void* stream,
                                         const std::string& place) {
  const int32_t dtype = storage_of(type);
  const auto found = std::find_if(entries_.begin(), entries_.end(), [&](const Entry& entry) {
    return entry.stream == stream && entry.dtype == dtype && same_shape(entry.shape, shape);
  });
  ++passes_;
  if (found == entries_.end()) {
    Entry entry;
    entry.shape = shape;
    entry.dtype = dtype;
    entry.stream = stream;
    entry.used = passes_;
    create(device, lattice, version, entry, place);
    if (entries_.size() >= kMaxEntries) {
      // Destroying tables waits until nothing runs on them.
      entries_.erase(std::min_element(entries_.begin(), entries_.end(),
                                      [](const Entry& a, const Entry& b) { return a.used < b.used; }));
    }
    entries_.push_back(std::move(entry));
    return entries_.back().tables.get();
  }
  found->used = passes_;
  if (found->version == version) return found->tables.get();
  const esper_status status = esper_cuda_lattice_update(found->tables.get(), lattice, stream);
  if (status == ESPER_ERROR_UNSUPPORTED) {
    create(device, lattice, version, *found, place);  // The seeds need more memory than the tables have.
  } else {
    check_esper(status, place);
    found->version = version;
  }
  return found->tables.get();
}

at::Tensor DeviceLattices::forward(const Device& device, const esper_lattice* lattice, uint64_t version,
                                   const Placement& placement, const at::Tensor& x, const at::Tensor& theta,
                                   const std::string& place) {
  void* stream = device.stream();
  esper_cuda_lattice* tables = find(device, lattice, version, placement.shape, x.scalar_type(), stream, place);
  at::Tensor y = at::empty_like(x);
  check_esper(
      esper_cuda_lattice_forward(tables, stream, data_of<float>(theta), theta.numel(), x.data_ptr(), y.data_ptr()),
      place);
  return y;
}

void DeviceLattices::backward(const Device& device, const esper_lattice* lattice, uint64_t version,
                              const Placement& placement, const at::Tensor& x, const at::Tensor& theta,
                              const at::Tensor& dy, const Gradients& gradients, const at::Tensor& dalpha,
                              const at::Tensor& sums, const std::string& place) {
  void* stream = device.stream();
  esper_cuda_lattice* tables = find(device, lattice, version, placement.shape, x.scalar_type(), stream, place);
  check_esper(esper_cuda_lattice_backward(tables, stream, data_of<float>(theta), theta.numel(), x.data_ptr(),
                                          dy.data_ptr(), data_of<void>(gradients.x), data_of<float>(gradients.theta),
                                          data_of<float>(dalpha), data_of<double>(sums)),
              place);
}

}  // namespace esper::host
