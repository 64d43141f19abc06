// One operator in a graph of its own, in float64: its value against one that the test works out with obvious loops, and
// its gradients against finite differences.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "host_fixture.h"

namespace esper::host::test {

using Ints = std::vector<int64_t>;

// An input: a tensor that gradients flow to, a constant, or nothing.
struct Operand {
  Operand(Tensor tensor) : value(std::move(tensor)), constant(value.scalar_type() == torch::kLong) {}  // NOLINT
  Operand(Tensor tensor, bool is_constant) : value(std::move(tensor)), constant(is_constant) {}
  static Operand none() { return {Tensor(), true}; }

  Tensor value;  // Undefined where the input is left out.
  bool constant;
};

// An int64 vector.
Operand ints(const Ints& values);
Operand ints(const Ints& shape, const Ints& values);

struct OperatorCase {
  std::string op;
  std::vector<Operand> operands;
  std::vector<Attr> attributes = {};
};

// Float32 numbers around 0 whose bits leave room for the steps of finite differences.
Tensor numbers(const Ints& shape);

// A float64 tensor whose elements are f(index).
Tensor made(const Ints& shape, const std::function<double(const Ints&)>& f);
// The element of a tensor at an index.
double at(const Tensor& tensor, const Ints& index);
// Calls f for every index of a shape, in row-major order.
void for_each(const Ints& shape, const std::function<void(const Ints&)>& f);

// Runs the operator with images as planes and channels-last in memory.
void expect_operator(const OperatorCase& c, const Tensor& expected);
// The value alone, of any element type.
Tensor run_operator(const OperatorCase& c);
// The message with which the session or its forward pass refuses the operator; empty where they do not.
std::string operator_error(const OperatorCase& c);
void expect_parts(const std::string& message, std::initializer_list<const char*> parts);

}  // namespace esper::host::test
