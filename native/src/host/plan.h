// The order of work: one step a node, with its operator resolved and the values it may let go.
#pragma once

#include <list>
#include <string>
#include <utility>
#include <vector>

#include "op.h"

namespace esper::host {

// A site whose lattice the plan leaves out. What the site sits on is checked all the same.
struct IdleSite {
  size_t site = 0;
  int32_t value = -1;  // Has the shape and type of the site's value.
};

struct Step {
  Run run;
  Node node;                     // Inputs and outputs after fusion.
  std::string place;             // "node 'name' (Op)", for messages.
  std::vector<IdleSite> idle;    // Sites on what this step computes.
  std::vector<int32_t> release;  // Values that nobody reads after this step.
};

struct Plan {
  std::vector<IdleSite> idle;  // Sites on inputs and other values that no step computes.
  std::vector<Step> steps;
  std::vector<std::pair<int32_t, int32_t>> copies;  // Outputs of the graph that idle lattices copy: from, to.
};

// Plans a graph whose sites act as given; a lattice that does not act has no step and hinders no fusion. Resolves every
// node that is left. Throws Error naming the node with an unknown operator or attribute.
Plan make_plan(const Graph& graph, const std::vector<bool>& acting);

// Runs the plan on a frame whose inputs and constants are filled in. Failures name the node.
void execute(const Plan& plan, Frame& frame);

// The plans of one graph. Which sites act changes with the stages of seeds and differs between training, evaluation and
// probe; the sets in use are few and return step after step.
class Plans {
 public:
  // graph outlives the plans.
  explicit Plans(const Graph& graph) : graph_(graph) {}

  // The plan for these acting sites, made if it is not at hand. Holds until the next call. Throws as make_plan does.
  const Plan& find(const std::vector<bool>& acting);

 private:
  struct Entry {
    std::vector<bool> acting;
    Plan plan;
  };

  const Graph& graph_;
  std::list<Entry> kept_;  // The last one used is in front.
};

}  // namespace esper::host
