#include "fake_state.hpp"

#include <algorithm>

namespace fake {

State& state() {
  static State* const instance = new State();  // Never destroyed: handles may be freed by exit handlers.
  return *instance;
}

void set_defaults(State* state) {
  state->properties = {{"devices", 1},    {"capability", 90}, {"multiprocessors", 4},
                       {"driver", 12040}, {"shared", 232448}, {"occupancy", 3},
                       {"hold", 0}};
}

int enter(const char* symbol) {
  State& s = state();
  const std::lock_guard<std::mutex> lock(s.mutex);
  if (s.properties.empty()) {
    set_defaults(&s);
  }
  ++s.calls[symbol];
  ++s.calls[""];
  auto failure = s.failures.find(symbol);
  if (failure == s.failures.end()) {
    failure = s.failures.find("");
  }
  if (failure == s.failures.end()) {
    return 0;
  }
  if (failure->second.skip > 0) {
    --failure->second.skip;
    return 0;
  }
  const int code = failure->second.code;
  s.failures.erase(failure);
  return code;
}

void submit(void* stream, std::function<void()> run, const void* event) {
  State& s = state();
  if (s.capture != nullptr && s.capture_stream == stream) {
    s.capture->work.push_back({std::move(run), event});
  } else if (s.properties["hold"] != 0) {
    s.queue.push_back({std::move(run), event});
  } else {
    run();
  }
}

bool pending(const void* event) {
  const auto& queue = state().queue;
  return std::any_of(queue.begin(), queue.end(), [&](const Work& work) { return work.event == event; });
}

void drain(const void* event) {
  auto& queue = state().queue;
  while (!queue.empty() && (event == nullptr || pending(event))) {
    const Work work = queue.front();
    queue.erase(queue.begin());
    work.run();
  }
}

}  // namespace fake

extern "C" {

__attribute__((visibility("default"))) void esper_fake_reset(void) {
  fake::drain();
  fake::State& s = fake::state();
  s.calls.clear();
  s.failures.clear();
  s.launches.clear();
  s.launcher = nullptr;
  fake::set_defaults(&s);
}

__attribute__((visibility("default"))) void esper_fake_set(const char* property, int value) {
  fake::State& s = fake::state();
  if (s.properties.find(property) == s.properties.end()) {
    std::abort();  // A misspelt property would make a test pass for no reason.
  }
  s.properties[property] = value;
}

__attribute__((visibility("default"))) void esper_fake_fail(const char* symbol, int code, int skip) {
  fake::state().failures[symbol] = {code, skip};
}

__attribute__((visibility("default"))) int esper_fake_count(const char* symbol) {
  return fake::state().calls[symbol];
}

__attribute__((visibility("default"))) int esper_fake_live(const char* kind) {
  fake::State& s = fake::state();
  if (*kind != '\0') {
    return s.live[kind];
  }
  int sum = 0;
  for (const auto& entry : s.live) {
    sum += entry.second;
  }
  return sum;
}

__attribute__((visibility("default"))) int esper_fake_launches(void) {
  return static_cast<int>(fake::state().launches.size());
}

__attribute__((visibility("default"))) int esper_fake_launch(int index, esper_fake_launch_record* record) {
  const auto& launches = fake::state().launches;
  if (index < 0 || static_cast<std::size_t>(index) >= launches.size()) {
    return 0;
  }
  *record = launches[static_cast<std::size_t>(index)];
  return 1;
}

__attribute__((visibility("default"))) void esper_fake_set_launcher(esper_fake_launcher launcher) {
  fake::state().launcher = launcher;
}
}
