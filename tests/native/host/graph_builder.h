// Builds esper_host_graph structures for tests and benchmarks; owns all memory that they point to.
#pragma once

#include <cstdint>
#include <deque>
#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "esper/esper_host.h"

namespace esper::host::test {

// An attribute by value: make one with attr().
struct Attr {
  std::string name;
  int32_t kind = 0;
  int64_t int_value = 0;
  double float_value = 0.0;
  std::string string_value;
  std::vector<int64_t> ints;
  std::vector<double> floats;
};

inline Attr attr(std::string name, int64_t value) {
  Attr a;
  a.name = std::move(name);
  a.kind = ESPER_HOST_ATTRIBUTE_INT;
  a.int_value = value;
  return a;
}
inline Attr attr(std::string name, int value) {
  return attr(std::move(name), static_cast<int64_t>(value));
}
inline Attr attr(std::string name, double value) {
  Attr a;
  a.name = std::move(name);
  a.kind = ESPER_HOST_ATTRIBUTE_FLOAT;
  a.float_value = value;
  return a;
}
inline Attr attr(std::string name, const char* value) {
  Attr a;
  a.name = std::move(name);
  a.kind = ESPER_HOST_ATTRIBUTE_STRING;
  a.string_value = value;
  return a;
}
inline Attr attr(std::string name, std::vector<int64_t> value) {
  Attr a;
  a.name = std::move(name);
  a.kind = ESPER_HOST_ATTRIBUTE_INTS;
  a.ints = std::move(value);
  return a;
}

class GraphBuilder {
 public:
  using Dims = std::vector<int64_t>;

  int32_t input(const std::string& name, const Dims& dims, int32_t dtype = ESPER_HOST_FLOAT32) {
    return value(name, ESPER_HOST_INPUT, dtype, &dims, {});
  }
  int32_t parameter(const std::string& name, const Dims& dims, const std::vector<float>& content) {
    return value(name, ESPER_HOST_PARAMETER, ESPER_HOST_FLOAT32, &dims, bytes(content));
  }
  int32_t buffer(const std::string& name, const Dims& dims, const std::vector<float>& content) {
    return value(name, ESPER_HOST_BUFFER, ESPER_HOST_FLOAT32, &dims, bytes(content));
  }
  int32_t constant(const std::string& name, const Dims& dims, const std::vector<float>& content) {
    return value(name, ESPER_HOST_CONSTANT, ESPER_HOST_FLOAT32, &dims, bytes(content));
  }
  int32_t constant_ints(const std::string& name, const std::vector<int64_t>& content) {
    return constant_ints(name, {static_cast<int64_t>(content.size())}, content);
  }
  int32_t constant_ints(const std::string& name, const Dims& dims, const std::vector<int64_t>& content) {
    return value(name, ESPER_HOST_CONSTANT, ESPER_HOST_INT64, &dims, bytes(content));
  }

  // States the type and the extents of a value that a node makes.
  void declare(int32_t number, int32_t dtype, const Dims& dims) {
    dims_.push_back(dims);
    esper_host_value& v = values_[static_cast<size_t>(number)];
    v.dtype = dtype;
    v.rank = static_cast<int32_t>(dims.size());
    v.dims = dims_.back().data();
  }

  // A constant of any element type; content: row-major bytes.
  int32_t constant_of(const std::string& name, const Dims& dims, int32_t dtype, std::vector<char> content) {
    return value(name, ESPER_HOST_CONSTANT, dtype, &dims, std::move(content));
  }

  // States the element type of a node's output, which is float32 otherwise.
  void type(int32_t number, int32_t dtype) { values_[static_cast<size_t>(number)].dtype = dtype; }

  // Adds a node; its outputs are new intermediates named after it. Returns the first output's number.
  int32_t node(const std::string& op, const std::vector<int32_t>& inputs, const std::vector<Attr>& attributes = {},
               int32_t outputs = 1, const std::string& domain = "") {
    const std::string name = op + "_" + std::to_string(nodes_.size());
    std::vector<int32_t> results;
    for (int32_t i = 0; i < outputs; ++i) {
      results.push_back(
          value(name + "_out" + std::to_string(i), ESPER_HOST_INTERMEDIATE, ESPER_HOST_FLOAT32, nullptr, {}));
    }
    names_.push_back(name);
    const char* name_text = names_.back().c_str();
    names_.push_back(op);
    const char* op_text = names_.back().c_str();
    names_.push_back(domain);
    lists_.push_back(inputs);
    const std::vector<int32_t>& input_list = lists_.back();
    lists_.push_back(results);
    attribute_memory_.push_back(attributes);
    attribute_lists_.emplace_back();
    for (const Attr& a : attribute_memory_.back()) attribute_lists_.back().push_back(native(a));
    esper_host_node n{};
    n.struct_size = sizeof(n);
    n.input_count = static_cast<int32_t>(input_list.size());
    n.output_count = outputs;
    n.attribute_count = static_cast<int32_t>(attributes.size());
    n.name = name_text;
    n.op = op_text;
    n.domain = names_.back().c_str();
    n.inputs = input_list.data();
    n.outputs = lists_.back().data();
    n.attributes = attribute_lists_.back().data();
    nodes_.push_back(n);
    return results[0];
  }

  // A lattice over x; sites are numbered in order of calls.
  int32_t lattice(int32_t x, int channels, int seeds, int layout = ESPER_LAYOUT_NCHW, const char* producer = nullptr) {
    std::vector<Attr> attributes{attr("site", sites_++), attr("layout", layout), attr("channels", channels),
                                 attr("seeds", seeds)};
    if (producer != nullptr) {
      attributes.push_back(attr("producer", producer));
      attributes.push_back(attr("producer_axis", 0));
    }
    return node("Lattice", {x}, attributes, 1, "esper");
  }

  void output(int32_t number) { outputs_.push_back(number); }
  void loss(int32_t loss_value, int32_t logits = -1, int32_t labels = -1) {
    loss_ = loss_value;
    logits_ = logits;
    labels_ = labels;
  }

  esper_host_graph graph() const {
    esper_host_graph g{};
    g.struct_size = sizeof(g);
    g.value_count = static_cast<int32_t>(values_.size());
    g.node_count = static_cast<int32_t>(nodes_.size());
    g.output_count = static_cast<int32_t>(outputs_.size());
    g.values = values_.data();
    g.nodes = nodes_.data();
    g.outputs = outputs_.data();
    g.loss = loss_;
    g.logits = logits_;
    g.labels = labels_;
    return g;
  }

  int32_t parameter_count() const {
    int32_t count = 0;
    for (const esper_host_value& v : values_) count += v.role == ESPER_HOST_PARAMETER ? 1 : 0;
    return count;
  }

  std::vector<esper_host_value>& values() { return values_; }
  std::vector<esper_host_node>& nodes() { return nodes_; }

 private:
  template <class T>
  static std::vector<char> bytes(const std::vector<T>& content) {
    const char* begin = reinterpret_cast<const char*>(content.data());
    return {begin, begin + content.size() * sizeof(T)};
  }

  int32_t value(const std::string& name, int32_t role, int32_t dtype, const Dims* dims, std::vector<char> content) {
    names_.push_back(name);
    esper_host_value v{};
    v.struct_size = sizeof(v);
    v.role = role;
    v.name = names_.back().c_str();
    v.dtype = dtype;
    v.rank = -1;
    if (dims != nullptr) {
      dims_.push_back(*dims);
      v.rank = static_cast<int32_t>(dims->size());
      v.dims = dims_.back().data();
    }
    contents_.push_back(std::move(content));
    if (!contents_.back().empty()) v.data = contents_.back().data();
    values_.push_back(v);
    return static_cast<int32_t>(values_.size()) - 1;
  }

  static esper_host_attribute native(const Attr& a) {
    esper_host_attribute n{};
    n.struct_size = sizeof(n);
    n.kind = a.kind;
    n.name = a.name.c_str();
    n.int_value = a.int_value;
    n.float_value = a.float_value;
    n.string_value = a.string_value.c_str();
    n.ints = a.ints.data();
    n.floats = a.floats.data();
    n.count = static_cast<int64_t>(a.kind == ESPER_HOST_ATTRIBUTE_FLOATS ? a.floats.size() : a.ints.size());
    return n;
  }

  std::deque<std::string> names_;
  std::deque<Dims> dims_;
  std::deque<std::vector<char>> contents_;
  std::deque<std::vector<int32_t>> lists_;
  std::deque<std::vector<Attr>> attribute_memory_;
  std::deque<std::vector<esper_host_attribute>> attribute_lists_;
  std::vector<esper_host_value> values_;
  std::vector<esper_host_node> nodes_;
  std::vector<int32_t> outputs_;
  int32_t loss_ = -1;
  int32_t logits_ = -1;
  int32_t labels_ = -1;
  int sites_ = 0;
};

}  // namespace esper::host::test
