// The host graph as the session keeps it: a checked copy of esper_host_graph.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "esper/esper_host.h"
#include "torch.h"

namespace esper::host {

struct Value {
  std::string name;
  int32_t role = ESPER_HOST_INTERMEDIATE;
  int32_t dtype = ESPER_HOST_FLOAT32;
  std::optional<std::vector<int64_t>> dims;  // Absent = unknown rank; -1 = dynamic extent.
};

struct Attribute {
  std::string name;
  std::variant<int64_t, double, std::string, std::vector<int64_t>, std::vector<double>> value;
};

struct Node {
  std::string name;
  std::string op;
  std::string domain;
  std::vector<int32_t> inputs;   // Value numbers, -1 = left out.
  std::vector<int32_t> outputs;  // Value numbers, -1 = not wanted.
  std::vector<Attribute> attributes;
};

struct Graph {
  std::vector<Value> values;
  std::vector<Node> nodes;
  std::vector<int32_t> outputs;
  std::vector<int32_t> inputs;       // Value numbers of role INPUT, in order.
  std::vector<int32_t> parameters;   // Likewise PARAMETER.
  std::vector<int32_t> buffers;      // Likewise BUFFER.
  std::vector<int32_t> constants;    // Likewise CONSTANT.
  std::vector<at::Tensor> contents;  // A value's initial content; undefined for inputs and intermediates.
  std::vector<int32_t> producer;     // A value's producing node, -1 = none.
  std::vector<int32_t> consumers;    // Number of node inputs that read a value.
  int32_t loss = -1;
  int32_t logits = -1;
  int32_t labels = -1;

  bool is_output(int32_t value) const;
};

// Checks and copies a graph. Throws Error naming the value or node at fault.
Graph read_graph(const esper_host_graph& graph);

// "float32" and so on; "unknown" for numbers outside esper_host_dtype.
const char* dtype_name(int32_t dtype);
// The libtorch type of an esper_host_dtype; throws Error for other numbers, naming place.
at::ScalarType scalar_type(int32_t dtype, const std::string& place);
// The esper_host_dtype of a libtorch type, 0 if it has none.
int32_t host_dtype(at::ScalarType type);
// "[2, 3]".
std::string shape_text(at::IntArrayRef dims);

}  // namespace esper::host
