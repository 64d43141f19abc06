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
  Quartiles ratio;       // Of eager to Esper, taken round by round.
  double backward_only;  // Esper's backward pass alone; backward rows.
  Quartiles fraction;    // Of the roofline: forward alone, or backward alone in backward rows.
  double copy_rate, fma_rate;
  int rounds;
};

void print_json(std::FILE* file, const Row& row);
void print_heading(bool compared);
void print_row(const Row& row);
// Medians over the cases of each family, against the platform's budgets.
void print_summary(const std::vector<Row>& rows);

}  // namespace esper::bench
