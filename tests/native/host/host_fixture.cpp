#include "host_fixture.h"

#include <cstdlib>
#include <cstring>
#include <stdexcept>

namespace esper::host::test {
namespace {

std::vector<float> floats(const Tensor& value) {
  const Tensor dense = value.detach().to(torch::kFloat).contiguous();
  return {dense.data_ptr<float>(), dense.data_ptr<float>() + dense.numel()};
}

// A failed call ends the test with the library's message.
void check(esper_status status) {
  if (status != ESPER_OK) throw std::runtime_error(esper_host_last_error());
}

torch::ScalarType torch_type(int32_t dtype) {
  switch (dtype) {
    case ESPER_HOST_FLOAT32:
      return torch::kFloat;
    case ESPER_HOST_FLOAT64:
      return torch::kDouble;
    case ESPER_HOST_INT64:
      return torch::kLong;
    case ESPER_HOST_UINT8:
      return torch::kByte;
    case ESPER_HOST_BOOL:
      return torch::kBool;
    default:
      throw std::runtime_error("no torch type");
  }
}

esper_host_step_result empty_result() {
  esper_host_step_result result{};
  result.struct_size = sizeof(result);
  return result;
}

}  // namespace

int32_t dtype_of(const Tensor& tensor) {
  switch (tensor.scalar_type()) {
    case torch::kFloat:
      return ESPER_HOST_FLOAT32;
    case torch::kDouble:
      return ESPER_HOST_FLOAT64;
    case torch::kLong:
      return ESPER_HOST_INT64;
    case torch::kByte:
      return ESPER_HOST_UINT8;
    case torch::kBool:
      return ESPER_HOST_BOOL;
    default:
      throw std::runtime_error("no esper_host_dtype");
  }
}

int32_t add_parameter(GraphBuilder& g, const std::string& name, const Tensor& value) {
  return g.parameter(name, value.sizes().vec(), floats(value));
}
int32_t add_buffer(GraphBuilder& g, const std::string& name, const Tensor& value) {
  return g.buffer(name, value.sizes().vec(), floats(value));
}
int32_t add_constant(GraphBuilder& g, const std::string& name, const Tensor& value) {
  return g.constant(name, value.sizes().vec(), floats(value));
}
int32_t add_typed_constant(GraphBuilder& g, const std::string& name, const Tensor& value) {
  const Tensor dense = value.detach().contiguous();
  const char* data = static_cast<const char*>(dense.data_ptr());
  return g.constant_of(name, dense.sizes().vec(), dtype_of(dense), {data, data + dense.nbytes()});
}

Inputs::Inputs(const std::vector<Tensor>& tensors) {
  for (const Tensor& tensor : tensors) tensors_.push_back(tensor.detach().contiguous());
  for (const Tensor& tensor : tensors_) {
    views_.push_back({sizeof(esper_host_tensor), dtype_of(tensor), static_cast<int32_t>(tensor.dim()), 0,
                      tensor.sizes().data(), tensor.data_ptr()});
  }
}

int32_t default_device() {
  const char* device = std::getenv("ESPER_TEST_HOST_DEVICE");
  return device != nullptr && std::strcmp(device, "cuda") == 0 ? ESPER_HOST_CUDA : ESPER_HOST_CPU;
}

Host::Host(const GraphBuilder& builder, int threads, uint64_t seed, int32_t device)
    : parameters_(builder.parameter_count()) {
  esper_host_options options{};
  options.struct_size = sizeof(options);
  options.threads = threads;
  options.device = device;
  options.isa = ESPER_ISA_AUTO;
  options.seed = seed;
  const esper_host_graph graph = builder.graph();
  outputs_ = graph.output_count;
  check(esper_host_session_create(&graph, &options, &session_));
}

Host::~Host() {
  esper_host_session_destroy(session_);
}

void Host::optimizer(int32_t kind, const esper_host_group& group) {
  const std::vector<int32_t> groups(static_cast<size_t>(parameters_), 0);
  check(esper_host_optimizer_configure(session_, kind, &group, 1, groups.data(), parameters_, 0));
}

esper_host_step_result Host::train(const std::vector<Tensor>& inputs, const Step& step) {
  const Inputs views(inputs);
  const esper_host_step_options options{sizeof(options), step.learning_rate, step.max_grad_norm, step.telemetry};
  esper_host_step_result result = empty_result();
  check(esper_host_train_step(session_, views.data(), views.count(), &options, &result));
  return result;
}

esper_host_step_result Host::gradients(const std::vector<Tensor>& inputs) {
  const Inputs views(inputs);
  esper_host_step_result result = empty_result();
  check(esper_host_gradients(session_, views.data(), views.count(), &result));
  return result;
}

esper_host_step_result Host::evaluate(const std::vector<Tensor>& inputs) {
  const Inputs views(inputs);
  esper_host_step_result result = empty_result();
  check(esper_host_evaluate(session_, views.data(), views.count(), &result, nullptr, nullptr, 0));
  return result;
}

std::vector<Tensor> Host::forward(const std::vector<Tensor>& inputs, bool training) {
  const Inputs views(inputs);
  check(esper_host_forward(session_, views.data(), views.count(), training ? 1 : 0));
  std::vector<Tensor> outputs;
  for (int32_t i = 0; i < outputs_; ++i) {
    int32_t dtype = 0;
    int32_t rank = 0;
    int64_t dims[8];
    check(esper_host_output_info(session_, i, &dtype, &rank, dims));
    Tensor output = torch::empty(torch::IntArrayRef(dims, static_cast<size_t>(rank)), torch_type(dtype));
    check(esper_host_output_read(session_, i, output.data_ptr(), static_cast<int64_t>(output.nbytes())));
    outputs.push_back(output);
  }
  return outputs;
}

std::vector<std::string> Host::state_names() const {
  int32_t count = 0;
  check(esper_host_state_count(session_, &count));
  std::vector<std::string> names;
  for (int32_t i = 0; i < count; ++i) {
    const char* name = nullptr;
    int32_t dtype = 0;
    int32_t rank = 0;
    int64_t dims[8];
    check(esper_host_state_info(session_, i, &name, &dtype, &rank, dims));
    names.emplace_back(name);
  }
  return names;
}

Tensor Host::state(const std::string& wanted) const {
  int32_t count = 0;
  check(esper_host_state_count(session_, &count));
  for (int32_t i = 0; i < count; ++i) {
    const char* name = nullptr;
    int32_t dtype = 0;
    int32_t rank = 0;
    int64_t dims[8];
    check(esper_host_state_info(session_, i, &name, &dtype, &rank, dims));
    if (wanted != name) continue;
    Tensor value = torch::empty(torch::IntArrayRef(dims, static_cast<size_t>(rank)), torch_type(dtype));
    check(esper_host_state_read(session_, wanted.c_str(), value.data_ptr(), static_cast<int64_t>(value.nbytes())));
    return value;
  }
  throw std::runtime_error("no state " + wanted);
}

std::map<std::string, Tensor> Host::all_state() const {
  std::map<std::string, Tensor> all;
  for (const std::string& name : state_names()) all[name] = state(name);
  return all;
}

void Host::write(const std::string& name, const Tensor& value) {
  const Tensor dense = value.contiguous();
  check(esper_host_state_write(session_, name.c_str(), dense.data_ptr(), static_cast<int64_t>(dense.nbytes())));
}

void Host::germinate(int site, int seed, esper_lattice_seed desc, uint64_t key, float noise) {
  esper_lattice_seed range{};
  range.struct_size = sizeof(range);
  int32_t has_module = 0;
  check(esper_host_seed_read(session_, site, seed, &range, &has_module));
  desc.channel_begin = range.channel_begin;
  desc.channel_count = range.channel_count;
  int64_t count = 0;
  check(esper_parameter_count(&desc, &count));
  Tensor values = torch::zeros({count});
  check(esper_parameter_init(&desc, key, values.data_ptr<float>()));
  torch::manual_seed(static_cast<int64_t>(key));
  values.add_(torch::randn({count}), noise);
  check(esper_host_seed_germinate(session_, site, seed, &desc, values.data_ptr<float>(), count));
}

void Host::update(int site, int seed, const esper_lattice_seed& desc) {
  check(esper_host_seed_update(session_, site, seed, &desc));
}

void Host::release(int site, int seed) {
  check(esper_host_seed_release(session_, site, seed));
}

Tensor seed_span(const Host& host, const std::string& name, int site, int seed) {
  esper_lattice_seed desc{};
  desc.struct_size = sizeof(desc);
  int32_t has_module = 0;
  EXPECT_EQ(esper_host_seed_read(host.get(), site, seed, &desc, &has_module), ESPER_OK);
  EXPECT_EQ(has_module, 1);
  int64_t count = 0;
  EXPECT_EQ(esper_parameter_count(&desc, &count), ESPER_OK);
  return host.state(name).narrow(0, desc.parameter_offset, count).clone();
}

esper_host_group sgd_group(float momentum, bool nesterov, float weight_decay) {
  return {sizeof(esper_host_group), 1.0F, weight_decay, momentum, nesterov ? 1 : 0, 0.9F, 0.999F, 1e-8F};
}

esper_host_group adamw_group(float weight_decay) {
  return sgd_group(0.0F, false, weight_decay);
}

esper_lattice_seed seed_desc(int32_t stage, int32_t family, int32_t rank, int32_t blend, float alpha) {
  esper_lattice_seed desc{};
  desc.struct_size = sizeof(desc);
  desc.stage = stage;
  desc.family = family;
  desc.activation = ESPER_ACTIVATION_GELU;
  desc.rank = rank;
  desc.blend = blend;
  desc.alpha = alpha;
  desc.kappa = 0.5F;
  desc.confidence_k = 1.0F;
  desc.confidence_hi = 1.0F;
  desc.learning_rate_scale = 1.0F;
  return desc;
}

bool same_bits(const Tensor& a, const Tensor& b) {
  if (a.sizes() != b.sizes() || a.scalar_type() != b.scalar_type()) return false;
  const Tensor x = a.contiguous();
  const Tensor y = b.contiguous();
  return x.nbytes() == 0 || std::memcmp(x.data_ptr(), y.data_ptr(), x.nbytes()) == 0;
}

bool same_bits(const std::map<std::string, Tensor>& a, const std::map<std::string, Tensor>& b) {
  if (a.size() != b.size()) return false;
  for (const auto& [name, value] : a) {
    const auto other = b.find(name);
    if (other == b.end() || !same_bits(value, other->second)) {
      ADD_FAILURE() << "state '" << name << "' differs";
      return false;
    }
  }
  return true;
}

double relative_error(const Tensor& a, const Tensor& b, double floor) {
  if (a.sizes() != b.sizes()) return 1e30;
  if (a.numel() == 0) return 0.0;
  const Tensor x = a.detach().to(torch::kDouble);
  const Tensor y = b.detach().to(torch::kDouble);
  const double difference = (x - y).abs().max().item<double>();
  return difference / std::max(y.abs().max().item<double>(), floor);
}

}  // namespace esper::host::test
