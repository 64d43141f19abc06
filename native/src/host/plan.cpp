#include "plan.h"

#include <algorithm>
#include <new>

#include "elision.h"
#include "error.h"
#include "site.h"
#include "torch_error.h"

namespace esper::host {
namespace {

constexpr size_t kPlansKept = 4;  // Training, evaluation and probe, and one to spare.

std::string full_name(const Node& node) {
  return node.domain.empty() ? node.op : node.domain + "." + node.op;
}

// Operators whose result is memory of their own that their backward pass does not read: a Relu may overwrite it.
bool result_is_disposable(const Node& node) {
  static const char* const names[] = {"Add", "BatchNormalization", "Conv", "ConvTranspose", "Gemm", "MatMul", "Sub"};
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
    if (const char* reason = refusal(full_name(node))) invalid(reader.place(), ": cannot run: ", reason);
    invalid(reader.place(), ": operator is not supported; supported are: ", operator_names());
  }
  Run run = entry->make(reader, fusion);
  reader.finish();
  return run;
}

// One step a node, less the nodes that fusion takes over.
std::vector<Step> plan_steps(const Graph& graph) {
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
  return plan;
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

// The output of the Relu that swallowed `value`, `value` itself if none did. Their shapes and types are the same.
int32_t visible(const Graph& graph, const std::vector<int32_t>& relus, int32_t value) {
  const int32_t producer = graph.producer[static_cast<size_t>(value)];
  const int32_t relu = producer < 0 ? -1 : relus[static_cast<size_t>(producer)];
  return relu < 0 ? value : graph.nodes[static_cast<size_t>(relu)].outputs[0];
}

// Has the sites of idle lattices checked as soon as the value that they sit on is there.
void plan_checks(const Graph& graph, const Elided& elided, const std::vector<bool>& acting, Plan& plan) {
  const std::vector<int32_t> relus = fused_relus(elided.graph);
  std::vector<std::vector<IdleSite>*> where(graph.values.size(), &plan.idle);
  for (Step& step : plan.steps) {
    for (int32_t value : step.node.outputs) {
      if (value >= 0) where[static_cast<size_t>(value)] = &step.idle;
    }
  }
  size_t site = 0;
  for (const Node& node : graph.nodes) {
    if (!is_lattice(node)) continue;
    if (!acting[site]) {
      const int32_t held = elided.holder[static_cast<size_t>(node.inputs[0])];
      const int32_t value = visible(elided.graph, relus, held);
      where[static_cast<size_t>(value)]->push_back({site, value});
    }
    ++site;
  }
}

// The graph's outputs keep their numbers, whoever computes them.
void plan_copies(const Graph& graph, const std::vector<int32_t>& holder, Plan& plan) {
  std::vector<int32_t> outputs = graph.outputs;
  outputs.push_back(graph.loss);
  outputs.push_back(graph.logits);
  for (int32_t output : outputs) {
    if (output < 0) continue;
    const int32_t held = holder[static_cast<size_t>(output)];
    if (held != output) plan.copies.emplace_back(held, output);
  }
}

[[noreturn]] void rethrow(const std::string& place) {
  try {
    throw;
  } catch (const Error& error) {
    throw Error(error.status(), text(place, ": ", error.what()));
  } catch (const c10::Error& error) {
    throw Error(torch_status(error, ESPER_ERROR_INVALID_ARGUMENT), text(place, ": ", error.what_without_backtrace()));
  }
}

void check(const IdleSite& idle, const Frame& frame) {
  const Site& site = (*frame.sites)[idle.site];
  try {
    check_site_value(site.spec(), frame.slots[static_cast<size_t>(idle.value)]);
  } catch (const Error&) {
    rethrow(site.place());
  }
}

}  // namespace

Plan make_plan(const Graph& graph, const std::vector<bool>& acting) {
  const Elided elided = elide_idle_lattices(graph, acting);
  Plan plan;
  plan.steps = plan_steps(elided.graph);
  plan_releases(elided.graph, plan.steps);
  plan_checks(graph, elided, acting, plan);
  plan_copies(graph, elided.holder, plan);
  return plan;
}

void execute(const Plan& plan, Frame& frame) {
  for (const IdleSite& idle : plan.idle) check(idle, frame);
  for (const Step& step : plan.steps) {
    try {
      Io io(frame, step.node);
      step.run(io);
    } catch (const std::bad_alloc&) {
      throw;
    } catch (...) {
      rethrow(step.place);
    }
    for (const IdleSite& idle : step.idle) check(idle, frame);
    for (int32_t value : step.release) frame.slots[static_cast<size_t>(value)].reset();
  }
  for (const auto& [from, to] : plan.copies) {
    frame.slots[static_cast<size_t>(to)] = frame.slots[static_cast<size_t>(from)];
  }
}

const Plan& Plans::find(const std::vector<bool>& acting) {
  auto entry = std::find_if(kept_.begin(), kept_.end(), [&](const Entry& kept) { return kept.acting == acting; });
  if (entry == kept_.end()) {
    entry = kept_.insert(kept_.begin(), Entry{acting, make_plan(graph_, acting)});
    if (kept_.size() > kPlansKept) kept_.pop_back();
  }
  kept_.splice(kept_.begin(), kept_, entry);
  return entry->plan;
}

}  // namespace esper::host
