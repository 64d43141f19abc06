// Rows of the lattice benchmark, as JSON lines, as a table, and judged against the budgets.
#pragma once

#include <cstdio>
#include <string>
#include <vector>

#include "lattice_cases.h"
#include "stopwatch.h"

namespace esper::bench {

enum class Pass { kForward, kBackward };

// What a round's samples of one pass come to. Seconds, bytes a second, operations a second.
struct Row {
  Workload work;
  Mode mode;
  Pass pass;  // A backward row times forward and backward together, except where it says otherwise.
  Quartiles time;
  bool compared;  // Whether there is an eager side.
  Quartiles eager;
  Quartiles ratio;         // Of eager to Esper, taken round by round.
  Quartiles bounded_time;  // Esper's forward or backward pass alone.
  Quartiles fraction;      // Of the roofline: of that pass.
  // The roofline of the best probes over the shortest time: less moved by what else the machine does.
  double best_fraction;
  double copy_rate;        // Of the best way to copy,
  const char* copy;        // this one,
  double large_copy_rate;  // and of the best one of 64 MiB.
  double fma_rate;
  int rounds;
};

void print_json(std::FILE* file, const Row& row);
void print_heading(bool compared);
void print_row(const Row& row);
// Medians over the cases of each family, against the platform's budgets.
void print_summary(const std::vector<Row>& rows);

}  // namespace esper::bench
