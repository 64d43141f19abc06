#include "lattice_report.h"

#include <cstring>

namespace esper::bench {
namespace {

const char* pass_name(Pass pass) {
  return pass == Pass::kForward ? "forward" : "backward";
}

// A budget: rows that it is about, the figure that it judges.
struct Budget {
  const char* text;
  Pass pass;
  Mode mode;
  double share;
  bool roofline;
  double least, aim;
};

constexpr Budget kBudgets[] = {
    {"forward, all seeds active", Pass::kForward, Mode::kOut, 1.0, false, 10, 17},
    {"forward + backward, all seeds active", Pass::kBackward, Mode::kOut, 1.0, false, 8, 15},
    {"forward in place, 1/8 of the seeds", Pass::kForward, Mode::kInPlace, 0.125, false, 12, 25},
    {"forward + backward in place, 1/8 of the seeds", Pass::kBackward, Mode::kInPlace, 0.125, false, 12, 25},
    {"roofline, forward, all seeds active", Pass::kForward, Mode::kOut, 1.0, true, 0.60, 0.80},
    {"roofline, backward, all seeds active", Pass::kBackward, Mode::kOut, 1.0, true, 0.45, 0.65},
    {"roofline, forward in place, all seeds active", Pass::kForward, Mode::kInPlace, 1.0, true, 0.60, 0.80},
    {"roofline, backward in place, all seeds active", Pass::kBackward, Mode::kInPlace, 1.0, true, 0.45, 0.65},
    {"roofline, forward in place, 1/8 of the seeds", Pass::kForward, Mode::kInPlace, 0.125, true, 0.60, 0.80},
    {"roofline, backward in place, 1/8 of the seeds", Pass::kBackward, Mode::kInPlace, 0.125, true, 0.45, 0.65},
};

bool about(const Budget& budget, const Row& row, int32_t family) {
  return row.work.family == family && row.pass == budget.pass && row.mode == budget.mode &&
         row.work.active == active_seeds(row.work.site, budget.share) && (budget.roofline || row.compared);
}

void print_budget(const Budget& budget, const std::vector<Row>& rows, int32_t family) {
  std::vector<double> figures;
  const Row* worst = nullptr;
  const auto figure = [&](const Row& row) { return budget.roofline ? row.fraction.median : row.ratio.median; };
  for (const Row& row : rows) {
    if (about(budget, row, family)) {
      figures.push_back(figure(row));
      worst = worst == nullptr || figure(row) < figure(*worst) ? &row : worst;
    }
  }
  if (worst == nullptr) {
    return;
  }
  const double middle = median(figures);
  const char* verdict = middle >= budget.aim ? "met, aim too" : middle >= budget.least ? "met" : "MISSED";
  const double unit = budget.roofline ? 100 : 1;
  const char* sign = budget.roofline ? "%" : "x";
  std::printf("  %-47s %7.1f%s  budget %3.0f%s aim %3.0f%s  %-13s worst %.1f%s %s\n", budget.text, unit * middle, sign,
              unit * budget.least, sign, unit * budget.aim, sign, verdict, unit * figure(*worst), sign,
              worst->work.site.name);
}

}  // namespace

void print_json(std::FILE* file, const Row& row) {
  const Case& site = row.work.site;
  std::fprintf(file,
               "{\"case\":\"%s\",\"family\":\"%s\",\"layout\":\"%s\",\"shape\":%s,\"seeds\":%d,\"rank\":%d,"
               "\"active\":%.4f,\"mode\":\"%s\",\"pass\":\"%s\",\"median_s\":%.4e,\"q1_s\":%.4e,\"q3_s\":%.4e,"
               "\"min_s\":%.4e",
               site.name, family_name(row.work.family), site.layout == ESPER_LAYOUT_NCHW ? "nchw" : "tokens",
               site.shape_text().c_str(), site.seeds, row.work.rank(), row.work.share(), mode_name(row.mode),
               pass_name(row.pass), row.time.median, row.time.low, row.time.high, row.time.least);
  if (row.compared) {
    std::fprintf(file,
                 ",\"eager_s\":%.4e,\"eager_q1_s\":%.4e,\"eager_q3_s\":%.4e,\"eager_min_s\":%.4e,\"ratio\":%.4f,"
                 "\"ratio_q1\":%.4f,"
                 "\"ratio_q3\":%.4f,\"ratio_of_medians\":%.4f",
                 row.eager.median, row.eager.low, row.eager.high, row.eager.least, row.ratio.median, row.ratio.low,
                 row.ratio.high, row.eager.median / row.time.median);
  } else {
    std::fputs(",\"eager_s\":null,\"ratio\":null", file);
  }
  if (row.pass == Pass::kBackward) {
    std::fprintf(file, ",\"backward_only_s\":%.4e,\"backward_only_min_s\":%.4e", row.bounded_time.median,
                 row.bounded_time.least);
  }
  std::fprintf(
      file,
      ",\"roofline_fraction\":%.4f,\"roofline_q1\":%.4f,\"roofline_q3\":%.4f,\"roofline_best\":%.4f,\"copy_gbs\":%.3f,"
      "\"copy\":\"%s\",\"copy_64mib_gbs\":%.3f,"
      "\"fma_gflops\":%.2f,\"rounds\":%d}\n",
      row.fraction.median, row.fraction.low, row.fraction.high, row.best_fraction, row.copy_rate / 1e9, row.copy,
      row.large_copy_rate / 1e9, row.fma_rate / 1e9, row.rounds);
  std::fflush(file);
}

void print_heading(bool compared) {
  std::printf("%-10s %-18s %6s %-8s %-8s %9s", "family", "case", "active", "mode", "pass", "ms");
  if (compared) {
    std::printf(" %9s %7s %15s", "eager ms", "ratio", "quartiles");
  }
  std::printf(" %8s %8s %8s %6s %7s %7s\n", "bwd ms", "least ms", "roofline", "best", "GB/s", "GF/s");
}

void print_row(const Row& row) {
  std::printf("%-10s %-18s %6.3f %-8s %-8s %9.3f", family_name(row.work.family), row.work.site.name, row.work.share(),
              mode_name(row.mode), row.pass == Pass::kForward ? "forward" : "fwd+bwd", row.time.median * 1e3);
  if (row.compared) {
    std::printf(" %9.3f %6.1fx %6.1f to %5.1f", row.eager.median * 1e3, row.ratio.median, row.ratio.low,
                row.ratio.high);
  }
  if (row.pass == Pass::kBackward) {
    std::printf(" %8.3f", row.bounded_time.median * 1e3);
  } else {
    std::printf(" %8s", "");
  }
  std::printf(" %8.3f %7.1f%% %5.1f%% %7.1f %7.0f\n", row.bounded_time.least * 1e3, row.fraction.median * 100,
              row.best_fraction * 100, row.copy_rate / 1e9, row.fma_rate / 1e9);
  std::fflush(stdout);
}

void print_summary(const std::vector<Row>& rows) {
  for (int32_t family = 0; family < kFamilyCount; ++family) {
    bool any = false;
    for (const Row& row : rows) {
      any = any || row.work.family == family;
    }
    if (!any) {
      continue;
    }
    std::printf("\n%s, medians over the cases\n", family_name(family));
    for (const Budget& budget : kBudgets) {
      print_budget(budget, rows, family);
    }
  }
}

}  // namespace esper::bench
