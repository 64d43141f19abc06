// The order of work: one step a node, with its operator resolved and the values it may let go.
#pragma once

#include <string>
#include <vector>

#include "op.h"

namespace esper::host {

struct Step {
  Run run;
  Node node;                     // Inputs and outputs after fusion.
  std::string place;             // "node 'name' (Op)", for messages.
  std::vector<int32_t> release;  // Values that nobody reads after this step.
};

// Resolves every node. Throws Error naming the node with an unknown operator or attribute.
std::vector<Step> make_plan(const Graph& graph);

// Runs the plan on a frame whose inputs and constants are filled in. Failures name the node.
void execute(const std::vector<Step>& plan, Frame& frame);

}  // namespace esper::host
