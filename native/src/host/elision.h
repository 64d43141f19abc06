// Lattices that are idle, neither altering their value nor learning, taken out of a graph.
#pragma once

#include <cstdint>
#include <vector>

#include "graph.h"

namespace esper::host {

bool is_lattice(const Node& node);

// A graph as it computes while some of its lattices are idle. An idle lattice hands its input on, so its readers read
// that input themselves, and what is left is the graph that never had the lattice.
struct Elided {
  Graph graph;
  std::vector<int32_t> holder;  // By value number: the value that has its content, itself unless a lattice went.
};

// acting: by site, whether its lattice stays. Sites are numbered in graph order.
Elided elide_idle_lattices(const Graph& graph, const std::vector<bool>& acting);

}  // namespace esper::host
