#include "plan.h"

#include <algorithm>
#include <new>

#include "error.h"

namespace esper::host {
namespace {

std::string full_name(const Node& node) { return node.domain.empty() ? node.op : node.domain + "." + node.op; }

// Operators whose result is memory of their own that their backward pass does not read: a Relu may overwrite it.
bool result_is_disposable(const Node& node) {
  static const char* const names[] = {"Add", "BatchNormalization", "Conv", "Gemm", "MatMul", "Sub"};
  return std::any_of(std::begin(names), std::end(names), [&](const char* name) { return full_name(node) == name; });
}

// The node that computes the input of Relu node `relu`, if the Relu alone reads it and it is no output; else -1.
int32_t exclusive_producer(const Graph& graph, const Node& relu) {
  if (full_name(relu) != "Relu" || relu.inputs.size() != 1 || relu.inputs[0] < 0) return -1;
  const auto input = static_cast<size_t>(relu.inputs[0]);
  if (graph.consumers[input] != 1 || graph.is_output(relu.inputs[0])) return -1;
  return graph.producer[input];
}

// For each BatchNormalization the Relu that it takes over, -1 = none.
std::vector<int32_t> fused_relus(const Graph& graph) {
  std::vector<int32_t> fused(graph.nodes.size(), -1);
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    const int32_t producer = exclusive_producer(graph, graph.nodes[i]);
    if (producer < 0 || full_name(graph.nodes[static_cast<size_t>(producer)]) != "BatchNormalization") continue;
    fused[static_cast<size_t>(producer)] = static_cast<int32_t>(i);
  }
  return fused;
}

Run resolve(const Graph& graph, const Node& node, const Fusion& fusion) {
  NodeReader reader(graph, node);
  const Operator* entry = find_operator(full_name(node));
  if (entry == nullptr) {
    invalid(reader.place(), ": operator is not supported; supported are: ", operator_names());
  }
  Run run = entry->make(reader, fusion);
  reader.finish();
  return run;
}

void plan_releases(const Graph& graph, std::vector<Step>& plan) {
  std::vector<int32_t> last(graph.values.size(), -1);
  for (size_t i = 0; i < plan.size(); ++i) {
    for (int32_t value : plan[i].node.outputs) {
      if (value >= 0) last[static_cast<size_t>(value)] = static_cast<int32_t>(i);
    }
    for (int32_t value : plan[i].node.inputs) {
      if (value >= 0) last[static_cast<size_t>(value)] = static_cast<int32_t>(i);
    }
  }
  for (size_t value = 0; value < last.size(); ++value) {
    const auto number = static_cast<int32_t>(value);
    const bool intermediate = graph.values[value].role == ESPER_HOST_INTERMEDIATE;
    if (intermediate && last[value] >= 0 && !graph.is_output(number)) {
      plan[static_cast<size_t>(last[value])].release.push_back(number);
    }
  }
}

[[noreturn]] void rethrow(const std::string& place) {
  try {
    throw;
  } catch (const Error& error) {
    throw Error(error.status(), text(place, ": ", error.what()));
  } catch (const c10::Error& error) {
    const std::string message = error.what_without_backtrace();
    const bool memory = message.find("allocate memory") != std::string::npos;
    throw Error(memory ? ESPER_ERROR_OUT_OF_MEMORY : ESPER_ERROR_INVALID_ARGUMENT, text(place, ": ", message));
  }
}

}  // namespace

std::vector<Step> make_plan(const Graph& graph) {
  const std::vector<int32_t> relus = fused_relus(graph);
  std::vector<bool> absorbed(graph.nodes.size(), false);
  std::vector<Step> plan;
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    if (absorbed[i]) continue;
    const Node& node = graph.nodes[i];
    Fusion fusion;
    const int32_t producer = exclusive_producer(graph, node);
    fusion.in_place = producer >= 0 && result_is_disposable(graph.nodes[static_cast<size_t>(producer)]);
    fusion.relu = relus[i] >= 0;
    Step step;
    step.run = resolve(graph, node, fusion);
    step.place = NodeReader(graph, node).place();
    step.node = node;
    if (fusion.relu) {
      const Node& relu = graph.nodes[static_cast<size_t>(relus[i])];
      resolve(graph, relu, Fusion{});  // Its attributes are checked all the same.
      step.node.outputs = relu.outputs;
      absorbed[static_cast<size_t>(relus[i])] = true;
    }
    plan.push_back(std::move(step));
  }
  plan_releases(graph, plan);
  return plan;
}

void execute(const std::vector<Step>& plan, Frame& frame) {
  for (const Step& step : plan) {
    try {
      Io io(frame, step.node);
      step.run(io);
    } catch (const std::bad_alloc&) {
      throw;
    } catch (...) {
      rethrow(step.place);
    }
    for (int32_t value : step.release) frame.slots[static_cast<size_t>(value)].reset();
  }
}

}  // namespace esper::host
