// A session driven with torch tensors, and comparisons.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "graph_builder.h"
#include "pch.h"

namespace esper::host::test {

using torch::Tensor;

// Adds a parameter, buffer or constant with a tensor's content.
int32_t add_parameter(GraphBuilder& g, const std::string& name, const Tensor& value);
int32_t add_buffer(GraphBuilder& g, const std::string& name, const Tensor& value);
int32_t add_constant(GraphBuilder& g, const std::string& name, const Tensor& value);
// A constant of the tensor's own element type.
int32_t add_typed_constant(GraphBuilder& g, const std::string& name, const Tensor& value);
// The esper_host_dtype of a tensor.
int32_t dtype_of(const Tensor& tensor);

struct Step {
  float learning_rate = 0.1F;
  float max_grad_norm = 0.0F;
  int telemetry = 0;
};

// The CPU, or with ESPER_TEST_HOST_DEVICE=cuda in the environment CUDA: all tests then run there.
int32_t default_device();

class Host {
 public:
  explicit Host(const GraphBuilder& builder, int threads = 2, uint64_t seed = 7, int32_t device = default_device());
  ~Host();
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;

  esper_host_session* get() const { return session_; }
  void optimizer(int32_t kind, const esper_host_group& group);

  esper_host_step_result train(const std::vector<Tensor>& inputs, const Step& step = {});
  esper_host_step_result gradients(const std::vector<Tensor>& inputs);
  esper_host_step_result evaluate(const std::vector<Tensor>& inputs);
  std::vector<Tensor> forward(const std::vector<Tensor>& inputs, bool training = false);

  std::vector<std::string> state_names() const;
  Tensor state(const std::string& name) const;
  std::map<std::string, Tensor> all_state() const;
  void write(const std::string& name, const Tensor& value);

  // Germinates with esper_parameter_init's values plus noise on top, so that g is not zero.
  void germinate(int site, int seed, esper_lattice_seed desc, uint64_t key = 1, float noise = 0.1F);
  void update(int site, int seed, const esper_lattice_seed& desc);
  void release(int site, int seed);

 private:
  esper_host_session* session_ = nullptr;
  int32_t parameters_ = 0;
  int32_t outputs_ = 0;
};

// Caller-side views of tensors for the C calls; keeps them contiguous and alive.
class Inputs {
 public:
  explicit Inputs(const std::vector<Tensor>& tensors);
  const esper_host_tensor* data() const { return views_.data(); }
  int32_t count() const { return static_cast<int32_t>(views_.size()); }

 private:
  std::vector<Tensor> tensors_;
  std::vector<esper_host_tensor> views_;
};

esper_host_group sgd_group(float momentum, bool nesterov, float weight_decay);
esper_host_group adamw_group(float weight_decay);
esper_lattice_seed seed_desc(int32_t stage, int32_t family, int32_t rank, int32_t blend = ESPER_BLEND_CONVEX,
                             float alpha = 0.0F);

// Parameters of one seed, cut out of a flat state tensor.
Tensor seed_span(const Host& host, const std::string& name, int site, int seed);

// Same shape and the same bits, signs of zeros and NaN payloads included.
bool same_bits(const Tensor& a, const Tensor& b);
bool same_bits(const std::map<std::string, Tensor>& a, const std::map<std::string, Tensor>& b);
// max |a - b| / max(max |b|, floor).
double relative_error(const Tensor& a, const Tensor& b, double floor = 1e-6);

}  // namespace esper::host::test
