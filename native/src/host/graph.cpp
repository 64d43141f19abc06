#include "graph.h"

#include <algorithm>
#include <unordered_set>

#include "error.h"

namespace esper::host {
namespace {

constexpr int32_t kMaxRank = 8;

void check_struct(uint32_t size, size_t expected, const std::string& what) {
  if (size < expected) {
    invalid(what, ": struct_size is ", size, ", expected at least ", expected, "; set it to sizeof the struct");
  }
}

const char* require_text(const char* value, const std::string& what) {
  if (value == nullptr) invalid(what, " is NULL");
  return value;
}

Attribute read_attribute(const esper_host_attribute& source, const std::string& node) {
  check_struct(source.struct_size, sizeof(source), text("node '", node, "': attribute"));
  Attribute attribute;
  attribute.name = require_text(source.name, text("node '", node, "': an attribute's name"));
  const std::string place = text("node '", node, "': attribute '", attribute.name, "'");
  const bool list = source.kind == ESPER_HOST_ATTRIBUTE_INTS || source.kind == ESPER_HOST_ATTRIBUTE_FLOATS;
  if (list && source.count < 0) invalid(place, ": count is ", source.count);
  switch (source.kind) {
    case ESPER_HOST_ATTRIBUTE_INT:
      attribute.value = source.int_value;
      break;
    case ESPER_HOST_ATTRIBUTE_FLOAT:
      attribute.value = source.float_value;
      break;
    case ESPER_HOST_ATTRIBUTE_STRING:
      attribute.value = std::string(require_text(source.string_value, place + ": string_value"));
      break;
    case ESPER_HOST_ATTRIBUTE_INTS:
      if (source.count > 0 && source.ints == nullptr) invalid(place, ": ints is NULL");
      attribute.value = std::vector<int64_t>(source.ints, source.ints + source.count);
      break;
    case ESPER_HOST_ATTRIBUTE_FLOATS:
      if (source.count > 0 && source.floats == nullptr) invalid(place, ": floats is NULL");
      attribute.value = std::vector<double>(source.floats, source.floats + source.count);
      break;
    default:
      invalid(place, ": kind ", source.kind, " is not an esper_host_attribute_kind");
  }
  return attribute;
}

void read_dims(const esper_host_value& source, Value& value, const std::string& place) {
  const bool fixed =
      source.role == ESPER_HOST_PARAMETER || source.role == ESPER_HOST_BUFFER || source.role == ESPER_HOST_CONSTANT;
  if (source.rank == -1 && source.role == ESPER_HOST_INTERMEDIATE) return;
  if (source.rank < 0 || source.rank > kMaxRank)
    invalid(place, ": rank is ", source.rank, ", expected 0 to ", kMaxRank);
  if (source.rank > 0 && source.dims == nullptr) invalid(place, ": dims is NULL");
  value.dims.emplace(source.dims, source.dims + source.rank);
  int64_t elements = 1;
  for (int64_t extent : *value.dims) {
    if (extent < (fixed ? 0 : -1)) invalid(place, ": extent ", extent, " in ", shape_text(*value.dims));
    if (fixed && extent > 0 && elements > (INT64_MAX / 8) / extent) invalid(place, ": shape is too large");
    elements *= extent;
  }
}

at::Tensor read_content(const esper_host_value& source, const Value& value, const std::string& place) {
  const auto options = at::TensorOptions().dtype(scalar_type(value.dtype, place));
  at::Tensor content = at::empty(*value.dims, options);
  if (content.numel() == 0) return content;
  if (source.data == nullptr) invalid(place, ": data is NULL; parameters, buffers and constants need their content");
  std::memcpy(content.data_ptr(), source.data, content.nbytes());
  return content;
}

void read_value(const esper_host_value& source, int32_t index, Graph& graph) {
  std::string place = text("value ", index);
  check_struct(source.struct_size, sizeof(source), place);
  Value value;
  value.name = require_text(source.name, place + ": name");
  if (value.name.empty()) invalid(place, ": name is empty");
  place = text("value '", value.name, "'");
  value.role = source.role;
  value.dtype = source.dtype;
  scalar_type(source.dtype, place);
  if (source.role < ESPER_HOST_INTERMEDIATE || source.role > ESPER_HOST_CONSTANT) {
    invalid(place, ": role ", source.role, " is not an esper_host_role");
  }
  const bool state = source.role == ESPER_HOST_PARAMETER || source.role == ESPER_HOST_BUFFER;
  if (state && source.dtype != ESPER_HOST_FLOAT32) {
    invalid(place, ": parameters and buffers are float32, not ", dtype_name(source.dtype));
  }
  read_dims(source, value, place);
  at::Tensor content;
  if (state || source.role == ESPER_HOST_CONSTANT) content = read_content(source, value, place);
  if (source.role == ESPER_HOST_INPUT) graph.inputs.push_back(index);
  if (source.role == ESPER_HOST_PARAMETER) graph.parameters.push_back(index);
  if (source.role == ESPER_HOST_BUFFER) graph.buffers.push_back(index);
  if (source.role == ESPER_HOST_CONSTANT) graph.constants.push_back(index);
  graph.values.push_back(std::move(value));
  graph.contents.push_back(std::move(content));
}

// Links a node's inputs and outputs to values; available says which values exist when the node runs.
void link_node(const Node& node, int32_t index, std::vector<char>& available, Graph& graph) {
  const auto count = static_cast<int32_t>(graph.values.size());
  for (int32_t input : node.inputs) {
    if (input == -1) continue;
    if (input < 0 || input >= count) invalid("node '", node.name, "': input value ", input, " does not exist");
    const auto slot = static_cast<size_t>(input);
    if (!available[slot]) {
      invalid("node '", node.name, "' (", node.op, "): input '", graph.values[slot].name,
              "' is not produced by an earlier node; give the nodes in execution order");
    }
    ++graph.consumers[slot];
  }
  for (int32_t output : node.outputs) {
    if (output == -1) continue;
    if (output < 0 || output >= count) invalid("node '", node.name, "': output value ", output, " does not exist");
    const auto slot = static_cast<size_t>(output);
    if (graph.values[slot].role != ESPER_HOST_INTERMEDIATE) {
      invalid("node '", node.name, "': output '", graph.values[slot].name, "' is not an intermediate value");
    }
    if (available[slot]) invalid("node '", node.name, "': output '", graph.values[slot].name, "' has two producers");
    available[slot] = 1;
    graph.producer[slot] = index;
  }
}

Node read_node(const esper_host_node& source, int32_t index) {
  std::string place = text("node ", index);
  check_struct(source.struct_size, sizeof(source), place);
  Node node;
  node.name = require_text(source.name, place + ": name");
  if (node.name.empty()) invalid(place, ": name is empty");
  place = text("node '", node.name, "'");
  node.op = require_text(source.op, place + ": op");
  node.domain = require_text(source.domain, place + ": domain");
  if (source.input_count < 0 || (source.input_count > 0 && source.inputs == nullptr)) invalid(place, ": bad inputs");
  if (source.output_count < 1 || source.outputs == nullptr) invalid(place, ": has no outputs");
  if (source.attribute_count < 0 || (source.attribute_count > 0 && source.attributes == nullptr)) {
    invalid(place, ": bad attributes");
  }
  node.inputs.assign(source.inputs, source.inputs + source.input_count);
  node.outputs.assign(source.outputs, source.outputs + source.output_count);
  for (int32_t i = 0; i < source.attribute_count; ++i) {
    node.attributes.push_back(read_attribute(source.attributes[i], node.name));
  }
  return node;
}

int32_t check_special(const Graph& graph, int32_t value, const char* what) {
  if (value == -1) return value;
  if (value < 0 || value >= static_cast<int32_t>(graph.values.size())) {
    invalid("graph: ", what, " names value ", value, ", which does not exist");
  }
  const Value& described = graph.values[static_cast<size_t>(value)];
  if (described.role == ESPER_HOST_INTERMEDIATE && graph.producer[static_cast<size_t>(value)] == -1) {
    invalid("graph: ", what, " '", described.name, "' is produced by no node");
  }
  return value;
}

}  // namespace

bool Graph::is_output(int32_t value) const {
  return value == loss || value == logits || std::find(outputs.begin(), outputs.end(), value) != outputs.end();
}

const char* dtype_name(int32_t dtype) {
  switch (dtype) {
    case ESPER_HOST_FLOAT32:
      return "float32";
    case ESPER_HOST_UINT8:
      return "uint8";
    case ESPER_HOST_INT64:
      return "int64";
    case ESPER_HOST_BOOL:
      return "bool";
    case ESPER_HOST_FLOAT64:
      return "float64";
    default:
      return "unknown";
  }
}

at::ScalarType scalar_type(int32_t dtype, const std::string& place) {
  switch (dtype) {
    case ESPER_HOST_FLOAT32:
      return at::kFloat;
    case ESPER_HOST_UINT8:
      return at::kByte;
    case ESPER_HOST_INT64:
      return at::kLong;
    case ESPER_HOST_BOOL:
      return at::kBool;
    case ESPER_HOST_FLOAT64:
      return at::kDouble;
    default:
      invalid(place, ": dtype ", dtype, " is not supported; use float32 (1), uint8 (2), int64 (7), bool (9) or ",
              "float64 (11)");
  }
}

int32_t host_dtype(at::ScalarType type) {
  switch (type) {
    case at::kFloat:
      return ESPER_HOST_FLOAT32;
    case at::kByte:
      return ESPER_HOST_UINT8;
    case at::kLong:
      return ESPER_HOST_INT64;
    case at::kBool:
      return ESPER_HOST_BOOL;
    case at::kDouble:
      return ESPER_HOST_FLOAT64;
    default:
      return 0;
  }
}

std::string shape_text(at::IntArrayRef dims) {
  std::string result = "[";
  for (size_t i = 0; i < dims.size(); ++i) result += (i == 0 ? "" : ", ") + std::to_string(dims[i]);
  return result + "]";
}

Graph read_graph(const esper_host_graph& source) {
  check_struct(source.struct_size, sizeof(source), "graph");
  if (source.value_count < 0 || (source.value_count > 0 && source.values == nullptr)) invalid("graph: bad values");
  if (source.node_count < 0 || (source.node_count > 0 && source.nodes == nullptr)) invalid("graph: bad nodes");
  if (source.output_count < 0 || (source.output_count > 0 && source.outputs == nullptr)) invalid("graph: bad outputs");
  Graph graph;
  std::unordered_set<std::string> names;
  for (int32_t i = 0; i < source.value_count; ++i) {
    read_value(source.values[i], i, graph);
    if (!names.insert(graph.values.back().name).second) {
      invalid("value ", i, ": the name '", graph.values.back().name, "' is taken by another value");
    }
  }
  graph.producer.assign(graph.values.size(), -1);
  graph.consumers.assign(graph.values.size(), 0);
  std::vector<char> available(graph.values.size());
  for (size_t i = 0; i < available.size(); ++i) available[i] = graph.values[i].role != ESPER_HOST_INTERMEDIATE;
  names.clear();
  for (int32_t i = 0; i < source.node_count; ++i) {
    Node node = read_node(source.nodes[i], i);
    if (!names.insert(node.name).second) invalid("node ", i, ": the name '", node.name, "' is taken by another node");
    link_node(node, i, available, graph);
    graph.nodes.push_back(std::move(node));
  }
  for (int32_t i = 0; i < source.output_count; ++i) {
    if (source.outputs[i] == -1) invalid("graph: output ", i, " is -1");
    graph.outputs.push_back(check_special(graph, source.outputs[i], "an output"));
  }
  graph.loss = check_special(graph, source.loss, "loss");
  graph.logits = check_special(graph, source.logits, "logits");
  graph.labels = check_special(graph, source.labels, "labels");
  if (graph.labels != -1) {
    const Value& labels = graph.values[static_cast<size_t>(graph.labels)];
    if (labels.role != ESPER_HOST_INPUT || labels.dtype != ESPER_HOST_INT64) {
      invalid("graph: labels '", labels.name, "' must be an int64 input");
    }
  }
  return graph;
}

}  // namespace esper::host
