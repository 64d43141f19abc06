// Snapshots of a session.
#include <atomic>

#include "error.h"
#include "session.h"

namespace esper::host {

uint64_t Session::next_number() {
  static std::atomic<uint64_t> last{0};
  return ++last;
}

Snapshot Session::snapshot() const {
  Snapshot snapshot;
  snapshot.session = number_;
  for (int32_t value : graph_.parameters) snapshot.parameters.push_back(share(fixed_[static_cast<size_t>(value)]));
  for (int32_t value : graph_.buffers) snapshot.buffers.push_back(share(fixed_[static_cast<size_t>(value)]));
  for (const Moments& moments : moments_) snapshot.moments.push_back(share(moments));
  for (const Site& site : sites_) snapshot.sites.push_back(site.image());
  snapshot.optimizer = optimizer_.settings();
  snapshot.dropout_counter = dropout_.counter;
  return snapshot;
}

void Session::restore(const Snapshot& snapshot) {
  if (snapshot.session != number_) {
    invalid("snapshot: it is of another session; a snapshot fits the session that it was taken of");
  }
  // All memory first, so that a session is not left half restored.
  Snapshot image = snapshot.clone();
  std::vector<LatticeHandle> lattices;
  for (size_t i = 0; i < sites_.size(); ++i) lattices.push_back(sites_[i].lattice_of(image.sites[i]));
  clear_gradients();
  for (size_t i = 0; i < graph_.parameters.size(); ++i) parameter(i).set_data(image.parameters[i]);
  for (size_t i = 0; i < graph_.buffers.size(); ++i) {
    fixed_[static_cast<size_t>(graph_.buffers[i])].set_data(image.buffers[i]);
  }
  moments_ = std::move(image.moments);
  for (size_t i = 0; i < sites_.size(); ++i) sites_[i].restore(std::move(image.sites[i]), std::move(lattices[i]));
  optimizer_.restore(std::move(image.optimizer));
  dropout_.counter = image.dropout_counter;
}

void Session::own_buffers() const {
  for (int32_t buffer : graph_.buffers) make_writable(fixed_[static_cast<size_t>(buffer)]);
}

}  // namespace esper::host
