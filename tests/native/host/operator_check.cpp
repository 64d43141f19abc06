#include "operator_check.h"

#include <stdexcept>

namespace esper::host::test {
namespace {

constexpr double kStep = 1.0 / 1024.0;

// The operator's node; images come out of a convolution that changes nothing, which leaves them channels-last.
int32_t add_operator(GraphBuilder& graph, const OperatorCase& c, bool channels_last) {
  std::vector<int32_t> inputs;
  for (size_t i = 0; i < c.operands.size(); ++i) {
    const Tensor& value = c.operands[i].value;
    const std::string name = "p" + std::to_string(i);
    if (!value.defined()) {
      inputs.push_back(-1);
    } else if (value.scalar_type() == torch::kLong) {
      const Tensor dense = value.contiguous();
      const int64_t* data = dense.data_ptr<int64_t>();
      inputs.push_back(graph.constant_ints(name, dense.sizes().vec(), {data, data + dense.numel()}));
    } else if (c.operands[i].constant) {
      inputs.push_back(add_constant(graph, name, value));
    } else {
      int32_t x = add_parameter(graph, name, value);
      if (channels_last && value.dim() == 4) {
        const int64_t channels = value.size(1);
        const Tensor eye = torch::eye(channels).reshape({channels, channels, 1, 1});
        x = graph.node("Conv", {x, add_constant(graph, "eye" + std::to_string(i), eye)});
      }
      inputs.push_back(graph.node("Cast", {x}, {attr("to", ESPER_HOST_FLOAT64)}));
      graph.declare(inputs.back(), ESPER_HOST_FLOAT64, value.sizes().vec());
    }
  }
  return graph.node(c.op, inputs, c.attributes);
}

double loss_with(Host& host, const std::string& name, const Tensor& value) {
  host.write("param/" + name, value);
  return host.evaluate({}).loss;
}

void expect_gradients(Host& host, const OperatorCase& c) {
  host.gradients({});
  std::vector<Tensor> gradients(c.operands.size());
  for (size_t i = 0; i < c.operands.size(); ++i) {
    if (!c.operands[i].constant) gradients[i] = host.state("grad/p" + std::to_string(i));
  }
  for (size_t i = 0; i < c.operands.size(); ++i) {
    if (c.operands[i].constant) continue;
    const std::string name = "p" + std::to_string(i);
    const Tensor& value = c.operands[i].value;
    Tensor differences = torch::zeros({value.numel()}, torch::kDouble);
    for (int64_t j = 0; j < value.numel(); ++j) {
      Tensor moved = value.clone().reshape(-1);
      moved[j] += kStep;
      const double above = loss_with(host, name, moved);
      moved[j] -= 2.0 * kStep;
      differences[j] = (above - loss_with(host, name, moved)) / (2.0 * kStep);
    }
    host.write("param/" + name, value);
    // Gradients are float32; the differences of what is not linear err by the square of the step.
    EXPECT_LT(relative_error(gradients[i], differences.reshape(value.sizes()), 1e-3), 2e-5) << c.op << ", input " << i;
  }
}

}  // namespace

Operand ints(const Ints& values) {
  return torch::tensor(values, torch::kLong);
}

Operand ints(const Ints& shape, const Ints& values) {
  return torch::tensor(values, torch::kLong).reshape(shape);
}

Tensor numbers(const Ints& shape) {
  return (torch::randn(shape) * 256.0).round() / 256.0;
}

void for_each(const Ints& shape, const std::function<void(const Ints&)>& f) {
  int64_t count = 1;
  for (int64_t extent : shape) count *= extent;
  Ints index(shape.size());
  for (int64_t i = 0; i < count; ++i) {
    int64_t rest = i;
    for (size_t axis = shape.size(); axis-- > 0;) {
      index[axis] = rest % shape[axis];
      rest /= shape[axis];
    }
    f(index);
  }
}

Tensor made(const Ints& shape, const std::function<double(const Ints&)>& f) {
  Tensor result = torch::empty(shape, torch::kDouble);
  double* data = result.data_ptr<double>();
  for_each(shape, [&](const Ints& index) { *data++ = f(index); });
  return result;
}

double at(const Tensor& tensor, const Ints& index) {
  int64_t offset = tensor.storage_offset();
  for (size_t i = 0; i < index.size(); ++i) offset += index[i] * tensor.stride(static_cast<int64_t>(i));
  return tensor.scalar_type() == torch::kDouble ? tensor.storage().data<double>()[offset]
                                                : static_cast<double>(tensor.storage().data<float>()[offset]);
}

void expect_operator(const OperatorCase& c, const Tensor& expected) {
  for (const bool channels_last : {false, true}) {
    GraphBuilder graph;
    const int32_t y = add_operator(graph, c, channels_last);
    graph.output(y);
    const int32_t cotangent = add_constant(graph, "cotangent", numbers(expected.sizes().vec()));
    const int32_t product = graph.node("Mul", {y, graph.node("Cast", {cotangent}, {attr("to", ESPER_HOST_FLOAT64)})});
    graph.loss(graph.node("ReduceSum", {product}, {attr("keepdims", 0)}));
    Host host(graph, 1);
    const Tensor value = host.forward({})[0];
    ASSERT_EQ(value.sizes(), expected.sizes()) << c.op;
    ASSERT_EQ(value.scalar_type(), torch::kDouble) << c.op;
    EXPECT_LT(relative_error(value, expected), 1e-12) << c.op << (channels_last ? ", channels-last" : "");
    expect_gradients(host, c);
  }
}

Tensor run_operator(const OperatorCase& c) {
  GraphBuilder graph;
  graph.output(add_operator(graph, c, false));
  Host host(graph, 1);
  return host.forward({})[0];
}

std::string operator_error(const OperatorCase& c) {
  try {
    run_operator(c);
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return {};
}

void expect_parts(const std::string& message, std::initializer_list<const char*> parts) {
  for (const char* part : parts) EXPECT_NE(message.find(part), std::string::npos) << message << "\nlacks: " << part;
}

}  // namespace esper::host::test
