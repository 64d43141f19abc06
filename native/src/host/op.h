// What an operator is to the executor: a function over a frame of values, made once from a node's checked attributes.
#pragma once

#include <functional>
#include <initializer_list>
#include <string>
#include <vector>

#include "device.h"
#include "graph.h"
#include "torch.h"

namespace esper::host {

class Site;

// Counter-based random numbers: draw i of a session is a function of key and i alone.
struct DropoutState {
  uint64_t key = 0;
  int64_t counter = 0;  // Draws made so far.
};

// The values of one execution and what operators need to know of it.
struct Frame {
  explicit Frame(const Device& where) : device(where) {}
  // Whether this library's own kernels run, which are the CPU's. Operators that have none ask nothing.
  bool own_kernels() const { return device.on_cpu(); }

  const Device& device;
  std::vector<at::Tensor> slots;
  std::vector<at::Tensor> host;  // Inputs and constants in host memory, by value number; empty where slots are there.
  bool training = false;         // Training mode of BatchNormalization and Dropout.
  bool telemetry = false;        // Lattices gather seed sums in backward.
  DropoutState* dropout = nullptr;
  std::vector<Site>* sites = nullptr;
  std::vector<at::Tensor>* site_values = nullptr;  // A probe collects the sites' values here, NULL otherwise.
};

// A node's view of a frame.
class Io {
 public:
  Io(Frame& frame, const Node& node) : frame_(frame), node_(node) {}
  Frame& frame() const { return frame_; }
  const Node& node() const { return node_; }
  bool has(size_t index) const { return index < node_.inputs.size() && node_.inputs[index] >= 0; }
  const at::Tensor& in(size_t index) const { return frame_.slots[static_cast<size_t>(node_.inputs[index])]; }
  // The value in host memory, for operators that read it while they plan their work. The device is waited for only
  // where the value was computed there.
  at::Tensor host(size_t index) const {
    const auto slot = static_cast<size_t>(node_.inputs[index]);
    const bool known = !frame_.host.empty() && frame_.host[slot].defined();
    return known ? frame_.host[slot] : frame_.slots[slot].cpu();
  }
  // The same as a list. Throws when the value is no int64 tensor.
  std::vector<int64_t> host_ints(size_t index) const;
  void out(size_t index, at::Tensor value) const {
    if (index < node_.outputs.size() && node_.outputs[index] >= 0) {
      frame_.slots[static_cast<size_t>(node_.outputs[index])] = std::move(value);
    }
  }
  // A value that was made in host memory: it goes to the device, and stays at hand for host().
  void out_host(size_t index, const at::Tensor& value) const;

 private:
  Frame& frame_;
  const Node& node_;
};

using Run = std::function<void(Io&)>;

// Reads a node while its operator is made. Attributes that nobody asked for are refused by finish().
class NodeReader {
 public:
  NodeReader(const Graph& graph, const Node& node) : graph_(graph), node_(node), used_(node.attributes.size(), false) {}

  const Graph& graph() const { return graph_; }
  const Node& node() const { return node_; }
  // "node 'name' (Op)".
  std::string place() const;

  // Refuses other numbers of inputs and outputs; the first `required` inputs must be present.
  void expect(size_t required, size_t most, size_t most_outputs = 1);
  bool has_input(size_t index) const { return index < node_.inputs.size() && node_.inputs[index] >= 0; }
  const Value& input(size_t index) const;
  // Content of an input that is a constant, NULL otherwise.
  const at::Tensor* constant(size_t index) const;
  // An int64 constant input as a list. Throws when the input is no int64 constant.
  std::vector<int64_t> constant_ints(size_t index, const char* what) const;
  // Throws unless an input is of one of these element types (esper_host_dtype).
  void expect_type(size_t index, std::initializer_list<int32_t> types) const;
  // Throws unless an input is float32 or float64.
  void expect_float(size_t index) const { expect_type(index, {ESPER_HOST_FLOAT32, ESPER_HOST_FLOAT64}); }
  // Throws unless the inputs that are there are of one element type.
  void expect_one_type() const;

  int64_t integer(const char* name, int64_t fallback);
  double real(const char* name, double fallback);
  std::string string(const char* name, const std::string& fallback);
  std::vector<int64_t> integers(const char* name, const std::vector<int64_t>& fallback);
  bool has(const char* name);
  // Throws if the node has an attribute that was not read.
  void finish() const;

 private:
  const Attribute* find(const char* name);

  const Graph& graph_;
  const Node& node_;
  std::vector<bool> used_;
  std::vector<std::string> known_;
};

// Reductions of neighbouring nodes that the plan decides and that change no bit of any result.
struct Fusion {
  bool in_place = false;  // Relu: overwrite the input, which nothing else reads.
  bool relu = false;      // BatchNormalization: apply the Relu that alone consumes it.
};

using Factory = Run (*)(NodeReader& reader, const Fusion& fusion);

struct Operator {
  const char* name;  // "Conv" or "esper.Lattice".
  Factory make;
};

// Operators by family; each table ends with a null name.
extern const Operator kActivationOperators[];
extern const Operator kAttentionOperators[];
extern const Operator kCompareOperators[];
extern const Operator kConvolutionOperators[];
extern const Operator kEinsumOperators[];
extern const Operator kElementwiseOperators[];
extern const Operator kGenerationOperators[];
extern const Operator kIndexingOperators[];
extern const Operator kLatticeOperators[];
extern const Operator kLinearOperators[];
extern const Operator kLossOperators[];
extern const Operator kMathOperators[];
extern const Operator kNormalizationOperators[];
extern const Operator kPadOperators[];
extern const Operator kPoolingOperators[];
extern const Operator kRankingOperators[];
extern const Operator kRectifierOperators[];
extern const Operator kReductionOperators[];
extern const Operator kResampleOperators[];
extern const Operator kShapeOperators[];

// The operator of that name, NULL if there is none.
const Operator* find_operator(const std::string& name);
// Why an operator of ONNX can never be one of these, NULL if no reason is known.
const char* refusal(const std::string& name);
// Space-separated names of all operators; static.
const char* operator_names();

// axis in [0, rank) from ONNX's [-rank, rank).
int64_t normalize_axis(int64_t axis, int64_t rank);

}  // namespace esper::host
