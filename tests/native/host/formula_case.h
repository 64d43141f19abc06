// One operator against a formula, and its gradients against finite differences.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "operator_check.h"

namespace esper::host::test {

// What an operator reads.
struct Argument {
  enum class Kind {
    Variable,  // Floating point; differentiated.
    Given,     // An input of the graph.
    Fixed,     // A constant of the graph.
    Absent     // Left out.
  };
  Kind kind = Kind::Absent;
  Tensor value;
};

// Floating point operands are given in float64 and exact in float32.
Argument variable(const Tensor& value);
Argument given(const Tensor& value);
Argument fixed(const Tensor& value);
Argument absent();
Argument fixed_ints(std::vector<int64_t> values);

struct FormulaCase {
  std::string name;
  std::string op;
  std::vector<Argument> operands;
  std::vector<Attr> attributes;
  std::function<Tensor(const std::vector<Tensor>&)> formula;  // Of the operands' values, in float64.
  int output = 0;                                             // The one that is looked at.
  bool differentiable = true;
};

std::ostream& operator<<(std::ostream& stream, const FormulaCase& c);
std::string name_of(const testing::TestParamInfo<FormulaCase>& info);

// Instantiate it with cases: each is checked for value and gradients.
class FormulaTest : public testing::TestWithParam<FormulaCase> {};

// The outputs of an operator over operands in their own element types. Throws std::runtime_error with the library's
// message.
std::vector<Tensor> outputs_of(const std::string& op, const std::vector<Argument>& operands,
                               const std::vector<Attr>& attributes = {}, int outputs = 1);
// The message of a refused operator.
std::string refusal(const std::string& op, const std::vector<Argument>& operands,
                    const std::vector<Attr>& attributes = {}, int outputs = 1);

// float64 numbers in [low, high) that are odd multiples of 1/64: exact in float32, off the kinks of activations.
Tensor draw(const std::vector<int64_t>& shape, double low = -3.0, double high = 3.0);
// Numbers about 0, no two of them equal, exact in float32.
Tensor distinct(const std::vector<int64_t>& shape);

}  // namespace esper::host::test
