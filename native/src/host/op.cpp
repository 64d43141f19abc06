#include "op.h"

#include <algorithm>

#include "error.h"

namespace esper::host {
namespace {

const Operator* const kTables[] = {
    kActivationOperators,  kAttentionOperators,  kCompareOperators,       kConvolutionOperators, kEinsumOperators,
    kElementwiseOperators, kGenerationOperators, kIndexingOperators,      kLatticeOperators,     kLinearOperators,
    kLossOperators,        kMathOperators,       kNormalizationOperators, kPadOperators,         kPoolingOperators,
    kRankingOperators,     kRectifierOperators,  kReductionOperators,     kResampleOperators,    kShapeOperators};

const char* kind_name(const Attribute& attribute) {
  static const char* const names[] = {"an int", "a float", "a string", "ints", "floats"};
  return names[attribute.value.index()];
}

}  // namespace

const Operator* find_operator(const std::string& name) {
  for (const Operator* table : kTables) {
    for (const Operator* entry = table; entry->name != nullptr; ++entry) {
      if (name == entry->name) return entry;
    }
  }
  return nullptr;
}

const char* refusal(const std::string& name) {
  for (const char* refused : {"Compress", "NonZero", "Unique"}) {
    if (name == refused) return "the shape of its result depends on its input's content, which host graphs cannot hold";
  }
  return nullptr;
}

const char* operator_names() {
  static const std::string names = [] {
    std::string joined;
    for (const Operator* table : kTables) {
      for (const Operator* entry = table; entry->name != nullptr; ++entry) {
        joined += (joined.empty() ? "" : " ") + std::string(entry->name);
      }
    }
    return joined;
  }();
  return names.c_str();
}

int64_t normalize_axis(int64_t axis, int64_t rank) {
  if (axis < -rank || axis >= rank) {
    invalid("axis ", axis, " is outside [", -rank, ", ", rank, ") for an input of rank ", rank);
  }
  return axis < 0 ? axis + rank : axis;
}

std::vector<int64_t> Io::host_ints(size_t index) const {
  const at::Tensor tensor = host(index).contiguous();
  if (tensor.scalar_type() != at::kLong) {
    invalid("input ", index, " is ", dtype_name(host_dtype(tensor.scalar_type())), ", expected int64");
  }
  const int64_t* data = tensor.data_ptr<int64_t>();
  return {data, data + tensor.numel()};
}

void Io::out_host(size_t index, const at::Tensor& value) const {
  out(index, frame_.device.upload(value));
  if (!frame_.host.empty()) frame_.host[static_cast<size_t>(node_.outputs[index])] = value;
}

std::string NodeReader::place() const {
  return text("node '", node_.name, "' (", node_.domain.empty() ? "" : node_.domain + ".", node_.op, ")");
}

void NodeReader::expect(size_t required, size_t most, size_t most_outputs) {
  if (node_.inputs.size() > most) {
    invalid(place(), ": has ", node_.inputs.size(), " inputs, supported are at most ", most);
  }
  for (size_t i = 0; i < required; ++i) {
    if (!has_input(i)) invalid(place(), ": input ", i, " is missing; it needs ", required);
  }
  for (size_t i = most_outputs; i < node_.outputs.size(); ++i) {
    if (node_.outputs[i] >= 0) invalid(place(), ": output ", i, " is not supported; leave it out");
  }
  if (node_.outputs[0] < 0 && most_outputs == 1) invalid(place(), ": its output is left out");
}

const Value& NodeReader::input(size_t index) const {
  return graph_.values[static_cast<size_t>(node_.inputs[index])];
}

const at::Tensor* NodeReader::constant(size_t index) const {
  if (!has_input(index) || input(index).role != ESPER_HOST_CONSTANT) return nullptr;
  return &graph_.contents[static_cast<size_t>(node_.inputs[index])];
}

std::vector<int64_t> NodeReader::constant_ints(size_t index, const char* what) const {
  const at::Tensor* tensor = constant(index);
  if (tensor == nullptr || tensor->scalar_type() != at::kLong) {
    invalid(place(), ": input ", index, " (", what, ") must be an int64 constant");
  }
  const int64_t* data = tensor->data_ptr<int64_t>();
  return {data, data + tensor->numel()};
}

void NodeReader::expect_type(size_t index, std::initializer_list<int32_t> types) const {
  const Value& value = input(index);
  if (std::find(types.begin(), types.end(), value.dtype) != types.end()) return;
  std::string expected;
  for (const int32_t* type = types.begin(); type != types.end(); ++type) {
    expected +=
        (type == types.begin() ? "" : (type + 1 == types.end() ? " or " : ", ")) + std::string(dtype_name(*type));
  }
  invalid(place(), ": input ", index, " '", value.name, "' is ", dtype_name(value.dtype), ", expected ", expected);
}

void NodeReader::expect_one_type() const {
  const Value& first = input(0);
  for (size_t i = 1; i < node_.inputs.size(); ++i) {
    if (!has_input(i) || input(i).dtype == first.dtype) continue;
    invalid(place(), ": inputs '", first.name, "' (", dtype_name(first.dtype), ") and '", input(i).name, "' (",
            dtype_name(input(i).dtype), ") differ in type; insert a Cast");
  }
}

const Attribute* NodeReader::find(const char* name) {
  known_.emplace_back(name);
  for (size_t i = 0; i < node_.attributes.size(); ++i) {
    if (node_.attributes[i].name == name) {
      used_[i] = true;
      return &node_.attributes[i];
    }
  }
  return nullptr;
}

bool NodeReader::has(const char* name) {
  return find(name) != nullptr;
}

int64_t NodeReader::integer(const char* name, int64_t fallback) {
  const Attribute* attribute = find(name);
  if (attribute == nullptr) return fallback;
  if (const auto* value = std::get_if<int64_t>(&attribute->value)) return *value;
  invalid(place(), ": attribute '", name, "' is ", kind_name(*attribute), ", expected an int");
}

double NodeReader::real(const char* name, double fallback) {
  const Attribute* attribute = find(name);
  if (attribute == nullptr) return fallback;
  if (const auto* value = std::get_if<double>(&attribute->value)) return *value;
  invalid(place(), ": attribute '", name, "' is ", kind_name(*attribute), ", expected a float");
}

std::string NodeReader::string(const char* name, const std::string& fallback) {
  const Attribute* attribute = find(name);
  if (attribute == nullptr) return fallback;
  if (const auto* value = std::get_if<std::string>(&attribute->value)) return *value;
  invalid(place(), ": attribute '", name, "' is ", kind_name(*attribute), ", expected a string");
}

std::vector<int64_t> NodeReader::integers(const char* name, const std::vector<int64_t>& fallback) {
  const Attribute* attribute = find(name);
  if (attribute == nullptr) return fallback;
  if (const auto* value = std::get_if<std::vector<int64_t>>(&attribute->value)) return *value;
  invalid(place(), ": attribute '", name, "' is ", kind_name(*attribute), ", expected ints");
}

void NodeReader::finish() const {
  for (size_t i = 0; i < used_.size(); ++i) {
    if (used_[i]) continue;
    std::string known;
    for (const std::string& name : known_) known += (known.empty() ? "" : ", ") + name;
    invalid(place(), ": attribute '", node_.attributes[i].name,
            "' is not supported; supported are: ", known.empty() ? "none" : known);
  }
}

}  // namespace esper::host
