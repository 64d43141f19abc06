#include <cstring>
#include <map>

#include "context_pool.h"
#include "error.h"
#include "torch_lattice.h"

namespace esper::host {
namespace {

constexpr const char* kPlace = "esper.lattice";

// One handle a GPU for all lattices of the operator. Passes queue under the lock, since a handle is for one thread.
struct SharedDevices {
  std::mutex mutex;
  std::map<c10::DeviceIndex, Device> devices;

  const Device& open(const at::Device& where) {
    const auto found = devices.find(where.index());
    if (found != devices.end()) return found->second;
    return devices.emplace(where.index(), Device::open_cuda(where, text(kPlace, " on ", where.str()))).first->second;
  }
};

// Never destroyed: lattices may live until the process exits.
SharedDevices& shared_devices() {
  static SharedDevices* const instance = new SharedDevices;
  return *instance;
}

template <class Real>
Real* data(const at::Tensor& tensor) {
  return tensor.defined() && tensor.numel() > 0 ? tensor.data_ptr<Real>() : nullptr;
}

}  // namespace

LatticeSnapshot::LatticeSnapshot(int32_t layout, int32_t channels, std::vector<esper_lattice_seed> seeds,
                                 std::vector<int32_t> numbers, int64_t parameters, const std::string& place)
    : layout_(layout),
      channels_(channels),
      seeds_(std::move(seeds)),
      numbers_(std::move(numbers)),
      parameters_(parameters) {
  esper_lattice* lattice = nullptr;
  check_esper(esper_lattice_create(channels_, seeds_.data(), static_cast<int32_t>(seeds_.size()), &lattice), place);
  lattice_.reset(lattice);
  int32_t blended = 0;
  int32_t learning = 0;
  check_esper(esper_lattice_query(lattice, &blended, &learning), kPlace);
  blended_ = blended != 0;
  learning_ = learning != 0;
}

c10::intrusive_ptr<LatticeSnapshot> LatticeSnapshot::with_alpha(const at::Tensor& alpha) const {
  const at::Tensor values = alpha.detach().contiguous();
  std::vector<esper_lattice_seed> seeds = seeds_;
  for (size_t i = 0; i < seeds.size(); ++i) seeds[i].alpha = values.data_ptr<float>()[numbers_[i]];
  return c10::make_intrusive<LatticeSnapshot>(layout_, channels_, std::move(seeds), numbers_, parameters_, kPlace);
}

bool runs_on_device(const at::Tensor& x) {
  static const bool emulated = Device::emulated();
  return x.is_cuda() || (emulated && x.is_cpu() && device_type_supported(x.scalar_type()));
}

at::Tensor LatticeSnapshot::device_forward(const Placement& placement, const at::Tensor& x,
                                           const at::Tensor& theta) const {
  SharedDevices& shared = shared_devices();
  const std::lock_guard<std::mutex> lock(shared.mutex);
  return device_lattices_.forward(shared.open(x.device()), lattice_.get(), 0, placement, x, theta, kPlace);
}

void LatticeSnapshot::device_backward(const Placement& placement, const at::Tensor& x, const at::Tensor& theta,
                                      const at::Tensor& dy, Gradients& gradients) const {
  const auto alphas = gradients.alpha.defined() ? static_cast<int64_t>(seeds_.size()) : 0;
  const at::Tensor dalpha = at::zeros({alphas}, theta.options());
  {
    SharedDevices& shared = shared_devices();
    const std::lock_guard<std::mutex> lock(shared.mutex);
    device_lattices_.backward(shared.open(x.device()), lattice_.get(), 0, placement, x, theta, dy, gradients, dalpha,
                              at::Tensor(), kPlace);
  }
  if (alphas == 0) return;
  const at::Tensor host = dalpha.cpu().to(at::kDouble);
  scatter_alpha({host.data_ptr<double>(), host.data_ptr<double>() + alphas}, gradients.alpha);
}

at::Tensor LatticeSnapshot::forward(const Placement& placement, const at::Tensor& x, const at::Tensor& theta) const {
  if (runs_on_device(x)) return device_forward(placement, x, theta);
  at::Tensor y = at::empty_like(x);
  const std::lock_guard<std::mutex> lock(running_);
  if (x.scalar_type() == at::kDouble) {
    check_esper(esper_reference_forward(lattice_.get(), &placement.shape, data<double>(theta), theta.numel(),
                                        x.data_ptr<double>(), y.data_ptr<double>()),
                kPlace);
  } else {
    const ContextLease context;
    check_esper(esper_lattice_forward(lattice_.get(), context.get(), &placement.shape, data<float>(theta),
                                      theta.numel(), x.data_ptr<float>(), y.data_ptr<float>()),
                kPlace);
  }
  return y;
}

void LatticeSnapshot::backward(const Placement& placement, const at::Tensor& x, const at::Tensor& theta,
                               const at::Tensor& dy, Gradients& gradients) const {
  if (runs_on_device(x)) {
    device_backward(placement, x, theta, dy, gradients);
    return;
  }
  const size_t alphas = gradients.alpha.defined() ? seeds_.size() : 0;
  const std::lock_guard<std::mutex> lock(running_);
  if (x.scalar_type() == at::kDouble) {
    std::vector<double> dalpha(alphas);
    check_esper(esper_reference_backward(lattice_.get(), &placement.shape, data<double>(theta), theta.numel(),
                                         x.data_ptr<double>(), dy.data_ptr<double>(), data<double>(gradients.x),
                                         data<double>(gradients.theta), alphas == 0 ? nullptr : dalpha.data()),
                kPlace);
    scatter_alpha(dalpha, gradients.alpha);
  } else {
    std::vector<float> dalpha(alphas);
    const ContextLease context;
    check_esper(
        esper_lattice_backward(lattice_.get(), context.get(), &placement.shape, data<float>(theta), theta.numel(),
                               x.data_ptr<float>(), dy.data_ptr<float>(), data<float>(gradients.x),
                               data<float>(gradients.theta), alphas == 0 ? nullptr : dalpha.data(), nullptr),
        kPlace);
    scatter_alpha({dalpha.begin(), dalpha.end()}, gradients.alpha);
  }
}

// From the order of the arena to seed numbers.
void LatticeSnapshot::scatter_alpha(const std::vector<double>& gradient, const at::Tensor& alpha) const {
  for (size_t i = 0; i < gradient.size(); ++i) {
    alpha.data_ptr<float>()[numbers_[i]] = static_cast<float>(gradient[i]);
  }
}

}  // namespace esper::host
