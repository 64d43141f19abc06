// Every problem that kernels are held against the oracle with, declared once, and the backends that run them.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "problem.hpp"

namespace esper_test {

struct Case {
  std::string name;
  std::function<Problem()> problem;
  Placement placement;
};

// Cases that make one test of each backend.
struct CaseGroup {
  std::string name;
  std::vector<Case> cases;
};

const std::vector<CaseGroup>& case_table();

// A backend by name. To run the whole table on another implementation, add it to the list in case_table.cpp.
struct BackendEntry {
  std::string name;
  std::string missing;                             // What this machine lacks for it, "" if it can run.
  std::function<std::unique_ptr<Backend>()> make;  // Small grids and more than one thread, so that work is divided.
};

const std::vector<BackendEntry>& backend_table();

}  // namespace esper_test
