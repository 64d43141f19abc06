// A session's state as named tensors.
#include <cstring>

#include "error.h"
#include "session.h"

namespace esper::host {
namespace {

StateEntry floats(std::string name, const at::Tensor& tensor) {
  StateEntry entry;
  entry.name = std::move(name);
  entry.dims = tensor.sizes().vec();
  entry.tensor = tensor;
  entry.bytes = static_cast<int64_t>(tensor.nbytes());
  return entry;
}

StateEntry counters(std::string name, int64_t* data, size_t count) {
  StateEntry entry;
  entry.name = std::move(name);
  entry.dtype = ESPER_HOST_INT64;
  entry.dims = {static_cast<int64_t>(count)};
  entry.counters = data;
  entry.bytes = static_cast<int64_t>(count * sizeof(int64_t));
  return entry;
}

// The remainder of name behind prefix, empty if it does not start so.
std::string behind(const std::string& name, const std::string& prefix) {
  return name.compare(0, prefix.size(), prefix) == 0 ? name.substr(prefix.size()) : std::string();
}

}  // namespace

void StateEntry::read(void* target) const {
  if (tensor.defined()) {
    read_tensor(tensor, target);
  } else {
    std::memcpy(target, counters, static_cast<size_t>(bytes));
  }
}

void StateEntry::write(const void* source) const {
  if (tensor.defined()) {
    write_tensor(tensor, source);
  } else {
    std::memcpy(counters, source, static_cast<size_t>(bytes));
  }
}

void Session::append_moments(std::vector<StateEntry>& entries) {
  struct Named {
    std::string name;
    Moments* moments;
  };
  std::vector<Named> all;
  for (size_t i = 0; i < moments_.size(); ++i) {
    all.push_back({graph_.values[static_cast<size_t>(graph_.parameters[i])].name, &moments_[i]});
  }
  for (Site& site : sites_) all.push_back({text("arena/", site.spec().site), &site.moments});
  for (const Named& named : all) {
    if (!named.moments->exist()) continue;
    if (!optimizer_.adamw()) {
      entries.push_back(floats("momentum/" + named.name, named.moments->first));
      continue;
    }
    entries.push_back(floats("adam_m/" + named.name, named.moments->first));
    entries.push_back(floats("adam_v/" + named.name, named.moments->second));
    entries.push_back(counters("adam_step/" + named.name, named.moments->steps.data(), named.moments->steps.size()));
  }
}

std::vector<StateEntry> Session::state() {
  std::vector<StateEntry> entries;
  const auto name = [this](int32_t value) { return graph_.values[static_cast<size_t>(value)].name; };
  const auto tensor = [this](int32_t value) { return fixed_[static_cast<size_t>(value)]; };
  for (int32_t value : graph_.parameters) entries.push_back(floats("param/" + name(value), tensor(value)));
  for (int32_t value : graph_.buffers) entries.push_back(floats("buffer/" + name(value), tensor(value)));
  for (const Site& site : sites_) entries.push_back(floats(text("arena/", site.spec().site), site.arena()));
  append_moments(entries);
  entries.push_back(counters("rng/dropout", &dropout_.counter, 1));
  if (!gradients_kept_) return entries;
  const auto gradient = [](const at::Tensor& leaf) {
    if (!leaf.grad().defined()) leaf.mutable_grad() = at::zeros_like(leaf.detach());  // Does not reach the loss.
    return leaf.grad();
  };
  for (int32_t value : graph_.parameters) entries.push_back(floats("grad/" + name(value), gradient(tensor(value))));
  for (const Site& site : sites_) {
    entries.push_back(floats(text("grad/arena/", site.spec().site), gradient(site.arena())));
  }
  return entries;
}

void Session::create_optimizer_state(const std::string& name) {
  std::string target;
  for (const char* prefix : {"adam_m/", "adam_v/", "adam_step/"}) {
    if (optimizer_.adamw() && target.empty()) target = behind(name, prefix);
  }
  if (!optimizer_.adamw()) target = behind(name, "momentum/");
  if (target.empty() || !optimizer_.configured()) return;
  for (size_t i = 0; i < moments_.size(); ++i) {
    if (graph_.values[static_cast<size_t>(graph_.parameters[i])].name != target) continue;
    if (optimizer_.adamw() || optimizer_.keeps_momentum(i)) optimizer_.create(parameter(i).sizes(), 1, moments_[i]);
    return;
  }
  for (Site& site : sites_) {
    if (target != text("arena/", site.spec().site)) continue;
    if (optimizer_.adamw() || optimizer_.arena_keeps_momentum()) {
      optimizer_.create({site.arena().numel()}, site.seeds().size(), site.moments);
    }
  }
}

void Session::write_state(const std::string& name, const void* data, int64_t bytes) {
  create_optimizer_state(name);
  for (const StateEntry& entry : state()) {
    if (entry.name != name) continue;
    if (bytes != entry.bytes) {
      invalid("state '", name, "' has ", entry.bytes, " bytes ", shape_text(entry.dims), ", got ", bytes);
    }
    if (bytes > 0 && data == nullptr) invalid("state '", name, "': data is NULL");
    make_writable(entry.tensor);
    if (bytes > 0) entry.write(data);
    return;
  }
  invalid("there is no state tensor '", name,
          "'; optimizer tensors exist for the configured optimizer only (call esper_host_optimizer_configure first)");
}

}  // namespace esper::host
