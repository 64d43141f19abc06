#include "snapshot.h"

namespace esper::host {
namespace {

bool is_shared(const at::Tensor& tensor) {
  return tensor.storage().use_count() > 1;
}

std::vector<at::Tensor> share(const std::vector<at::Tensor>& tensors) {
  std::vector<at::Tensor> shared;
  shared.reserve(tensors.size());
  for (const at::Tensor& tensor : tensors) shared.push_back(host::share(tensor));
  return shared;
}

}  // namespace

at::Tensor share(const at::Tensor& tensor) {
  return tensor.defined() ? tensor.variable_data() : at::Tensor();
}

Moments share(const Moments& moments) {
  return {share(moments.first), share(moments.second), moments.steps};
}

void make_writable(const at::Tensor& tensor) {
  if (!tensor.defined() || !is_shared(tensor)) return;
  tensor.set_data(tensor.variable_data().clone());
}

void make_writable(const Moments& moments) {
  make_writable(moments.first);
  make_writable(moments.second);
}

Snapshot Snapshot::clone() const {
  Snapshot copy;
  copy.session = session;
  copy.parameters = share(parameters);
  copy.buffers = share(buffers);
  copy.moments.reserve(moments.size());
  for (const Moments& entry : moments) copy.moments.push_back(host::share(entry));
  copy.sites.reserve(sites.size());
  for (const SiteImage& site : sites) {
    copy.sites.push_back({site.seeds, host::share(site.arena), host::share(site.moments), site.telemetry});
  }
  copy.optimizer = optimizer;
  copy.dropout_counter = dropout_counter;
  return copy;
}

void Snapshot::count(int64_t& bytes, int64_t& shared) const {
  bytes = 0;
  shared = 0;
  const auto add = [&](const at::Tensor& tensor) {
    if (!tensor.defined()) return;
    const auto size = static_cast<int64_t>(tensor.nbytes());
    bytes += size;
    if (is_shared(tensor)) shared += size;
  };
  const auto add_moments = [&](const Moments& entry) {
    add(entry.first);
    add(entry.second);
  };
  for (const at::Tensor& tensor : parameters) add(tensor);
  for (const at::Tensor& tensor : buffers) add(tensor);
  for (const Moments& entry : moments) add_moments(entry);
  for (const SiteImage& site : sites) {
    add(site.arena);
    add_moments(site.moments);
  }
}

}  // namespace esper::host
