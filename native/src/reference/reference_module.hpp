// One seed's module and blend at one position, in double precision: the oracle's mathematics for the families that
// work on every position by itself, and what all families share.
#pragma once

#include <cstdint>
#include <vector>

#include "esper/esper.h"

namespace esper::reference {

// Everything that forward computes at one position.
struct Position {
  std::vector<double> pre;     // [R] before the activation
  std::vector<double> hidden;  // [R] after it
  std::vector<double> g;       // [C]
  std::vector<double> weight;  // [C]
  double gate = 0.0;           // sigmoid(q . x + p) of the gated blend
};

// Number of parameters of the module, which is where the blend's parameters start, and of the seed.
std::int64_t module_parameters(const esper_lattice_seed& seed);
std::int64_t seed_parameters(const esper_lattice_seed& seed);

double sigmoid(double x);
double activate(std::int32_t activation, double x);
double activate_slope(std::int32_t activation, double x);

// alpha sigmoid(k (margin - tau)) before clamping, of the confidence blend.
double confidence(const esper_lattice_seed& seed);

// p: the seed's parameters; x: [C] the position's values.
Position evaluate(const esper_lattice_seed& seed, const double* p, const std::vector<double>& x);

// Sets out->weight, and out->gate for the gated blend.
void evaluate_blend(const esper_lattice_seed& seed, const double* p, const std::vector<double>& x, Position* out);

// Gradients that one position adds.
struct PositionGradient {
  std::vector<double> dx;      // [C]
  std::vector<double> dtheta;  // all parameters of the seed
  double dalpha = 0.0;
};

// Adds the gradients of alpha, of the blend's parameters, and of x through the gate, for g and weight of at.
void differentiate_blend(const esper_lattice_seed& seed, const double* p, const std::vector<double>& x,
                         const Position& at, const std::vector<double>& dy, PositionGradient* out);

// Gradient for upstream dy [C] at a position of a seed in a blended stage.
PositionGradient differentiate(const esper_lattice_seed& seed, const double* p, const std::vector<double>& x,
                               const std::vector<double>& dy);

// Parameter gradient of a seed in Training: from dy + kappa g, with w = 1 and x constant.
std::vector<double> training_gradient(const esper_lattice_seed& seed, const double* p, const std::vector<double>& x,
                                      const std::vector<double>& dy);

}  // namespace esper::reference
