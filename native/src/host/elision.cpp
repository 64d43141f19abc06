#include "elision.h"

#include <algorithm>
#include <numeric>

namespace esper::host {
namespace {

// Producers and consumers of graph.nodes as they are now.
void relink(Graph& graph) {
  std::fill(graph.producer.begin(), graph.producer.end(), -1);
  std::fill(graph.consumers.begin(), graph.consumers.end(), 0);
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    for (int32_t input : graph.nodes[i].inputs) {
      if (input >= 0) ++graph.consumers[static_cast<size_t>(input)];
    }
    for (int32_t output : graph.nodes[i].outputs) {
      if (output >= 0) graph.producer[static_cast<size_t>(output)] = static_cast<int32_t>(i);
    }
  }
}

}  // namespace

bool is_lattice(const Node& node) {
  return node.domain == "esper" && node.op == "Lattice";
}

Elided elide_idle_lattices(const Graph& graph, const std::vector<bool>& acting) {
  Elided elided{graph, std::vector<int32_t>(graph.values.size())};
  std::iota(elided.holder.begin(), elided.holder.end(), 0);
  const auto hold = [&elided](int32_t& value) {
    if (value >= 0) value = elided.holder[static_cast<size_t>(value)];
  };
  std::vector<Node>& nodes = elided.graph.nodes;
  nodes.clear();
  size_t site = 0;
  for (Node node : graph.nodes) {
    std::for_each(node.inputs.begin(), node.inputs.end(), hold);
    if (is_lattice(node) && !acting[site++]) {
      elided.holder[static_cast<size_t>(node.outputs[0])] = node.inputs[0];
    } else {
      nodes.push_back(std::move(node));
    }
  }
  std::for_each(elided.graph.outputs.begin(), elided.graph.outputs.end(), hold);
  hold(elided.graph.loss);
  hold(elided.graph.logits);
  relink(elided.graph);
  return elided;
}

}  // namespace esper::host
