// State of the fake driver, shared by its entry points and its controls.
#pragma once

#include <cstdlib>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "cuda/driver_api.hpp"
#include "fake_cuda.h"

namespace fake {

struct Failure {
  int code;
  int skip;
};

// Something that a stream does; event is set for records.
struct Work {
  std::function<void()> run;
  const void* event;
};

struct Graph {
  std::vector<Work> work;
};

// Runs a kernel on the host.
void run_on_host(const esper_fake_launch_record* launch, const void* argument);

struct State {
  std::mutex mutex;
  std::map<std::string, int> properties;
  std::map<std::string, int> calls;
  std::map<std::string, int> live;
  std::map<std::string, Failure> failures;
  std::vector<esper_fake_launch_record> launches;
  std::vector<Work> queue;  // While held.
  std::map<void*, std::size_t> memory;
  esper_fake_launcher launcher = run_on_host;
  Graph* capture = nullptr;  // Graph of the stream that is being captured.
  void* capture_stream = nullptr;
};

State& state();
void set_defaults(State* state);

// Counts the call; the code that the test wants it to fail with, or 0.
int enter(const char* symbol);

// Queues work on a stream: into the graph being captured, into the held queue, or runs it.
void submit(void* stream, std::function<void()> run, const void* event = nullptr);

// Runs held work up to and including the event's record, or all of it.
void drain(const void* event = nullptr);
bool pending(const void* event);

}  // namespace fake
