#include "session.h"

#include <algorithm>
#include <cstring>

#include "elision.h"
#include "error.h"
#include "threads.h"

namespace esper::host {
namespace {

Device open_device(int32_t device) {
  if (device == ESPER_HOST_CPU) return Device();
  if (device != ESPER_HOST_CUDA) {
    invalid("options: device ", device, " is not an esper_host_device; use 0 (CPU) or 1 (CUDA)");
  }
  return Device::open_cuda("options: device CUDA");
}

}  // namespace

Session::Session(const esper_host_graph& graph, const esper_host_options& options)
    : graph_(read_graph(graph)), device_(open_device(options.device)), optimizer_(device_) {
  set_threads(options.threads);
  context_ = make_context(options.isa);
  dropout_.key = options.seed;
  fixed_ = graph_.contents;
  if (!device_.on_cpu()) place_on_device();
  // The graph keeps the constants, which operators read while they plan; of the rest its copy would go out of date.
  for (const std::vector<int32_t>* changing : {&graph_.parameters, &graph_.buffers}) {
    for (int32_t value : *changing) graph_.contents[static_cast<size_t>(value)].reset();
  }
  for (int32_t parameter : graph_.parameters) fixed_[static_cast<size_t>(parameter)].requires_grad_(true);
  moments_.resize(graph_.parameters.size());
  for (Moments& moments : moments_) moments.steps.assign(1, 0);
  make_sites();
  plans_.find(std::vector<bool>(sites_.size(), true));  // Checks every node.
  for (const Node& node : graph_.nodes) {
    const bool loss = graph_.loss >= 0 && !node.outputs.empty() && node.outputs[0] == graph_.loss;
    if (!loss || (node.op != "SoftmaxCrossEntropyLoss" && node.op != "NegativeLogLikelihoodLoss")) continue;
    NodeReader reader(graph_, node);
    loss_options_.ignore_index = reader.integer("ignore_index", -100);
    loss_options_.label_smoothing = reader.real("label_smoothing", 0.0);
  }
}

void Session::place_on_device() {
  for (at::Tensor& value : fixed_) {
    if (value.defined()) value = device_.place(value);
  }
}

void Session::make_sites() {
  for (const Node& node : graph_.nodes) {
    if (!is_lattice(node)) continue;
    NodeReader reader(graph_, node);
    const SiteSpec spec = read_site(reader);
    if (spec.site != static_cast<int64_t>(sites_.size())) {
      invalid(reader.place(), ": attribute 'site' is ", spec.site, ", expected ", sites_.size(),
              " (sites are numbered in graph order)");
    }
    sites_.emplace_back(spec, reader.place(), device_, context_.get());
  }
}

void Session::configure_optimizer(int32_t optimizer, const esper_host_group* groups, int32_t group_count,
                                  const int32_t* parameter_groups, int32_t parameter_count, int32_t arena_group) {
  if (parameter_count != static_cast<int32_t>(graph_.parameters.size())) {
    invalid("optimizer: parameter_count is ", parameter_count, ", the graph has ", graph_.parameters.size(),
            " parameters");
  }
  optimizer_.configure(optimizer, groups, group_count, parameter_groups, parameter_count, arena_group);
  for (Moments& moments : moments_) {
    moments.first.reset();
    moments.second.reset();
    moments.steps.assign(1, 0);
  }
  for (Site& site : sites_) {
    site.moments.first.reset();
    site.moments.second.reset();
    site.moments.steps.assign(site.seeds().size(), 0);
  }
}

Site& Session::site(int32_t index) {
  if (index < 0 || index >= static_cast<int32_t>(sites_.size())) {
    invalid("site ", index, " does not exist; the graph has ", sites_.size(), " Lattice nodes");
  }
  return sites_[static_cast<size_t>(index)];
}

const Site& Session::site(int32_t index) const {
  return const_cast<Session*>(this)->site(index);
}

at::Tensor Session::borrow_input(const esper_host_tensor& input, const Value& value) const {
  const std::string place = text("input '", value.name, "'");
  if (input.struct_size < sizeof(input)) {
    invalid(place, ": struct_size is ", input.struct_size, ", expected ", sizeof(input));
  }
  if (input.dtype != value.dtype) {
    invalid(place, ": is ", dtype_name(input.dtype), ", expected ", dtype_name(value.dtype));
  }
  const std::vector<int64_t>& expected = *value.dims;
  if (input.rank != static_cast<int32_t>(expected.size())) {
    invalid(place, ": has rank ", input.rank, ", expected ", expected.size(), " ", shape_text(expected));
  }
  if (input.rank > 0 && input.dims == nullptr) invalid(place, ": dims is NULL");
  const at::IntArrayRef dims(input.dims, static_cast<size_t>(input.rank));
  int64_t elements = 1;
  for (size_t i = 0; i < dims.size(); ++i) {
    if (dims[i] < 0 || (expected[i] >= 0 && dims[i] != expected[i])) {
      invalid(place, ": has shape ", shape_text(dims), ", expected ", shape_text(expected), " (-1 = any)");
    }
    elements *= dims[i];
  }
  if (elements > 0 && input.data == nullptr) invalid(place, ": data is NULL");
  const auto options = at::TensorOptions().dtype(scalar_type(value.dtype, place));
  if (elements == 0) return at::empty(dims, options);
  return at::from_blob(input.data, dims, options);
}

Frame Session::make_frame(const esper_host_tensor* inputs, int32_t count) {
  if (count != static_cast<int32_t>(graph_.inputs.size())) {
    invalid("got ", count, " inputs, the graph has ", graph_.inputs.size());
  }
  if (count > 0 && inputs == nullptr) invalid("inputs is NULL");
  Frame frame(device_);
  frame.slots = fixed_;
  if (!device_.on_cpu()) frame.host = graph_.contents;
  for (size_t i = 0; i < graph_.inputs.size(); ++i) {
    const auto slot = static_cast<size_t>(graph_.inputs[i]);
    const at::Tensor input = borrow_input(inputs[i], graph_.values[slot]);
    frame.slots[slot] = device_.upload(input);
    if (!device_.on_cpu()) frame.host[slot] = input;
  }
  frame.dropout = &dropout_;
  frame.sites = &sites_;
  return frame;
}

at::Tensor Session::loss_of(const Frame& frame) const {
  if (graph_.loss < 0) invalid("the graph names no loss; set esper_host_graph.loss");
  const at::Tensor& loss = frame.slots[static_cast<size_t>(graph_.loss)];
  if (loss.numel() != 1 || !loss.is_floating_point()) {
    invalid("loss '", graph_.values[static_cast<size_t>(graph_.loss)].name, "' has shape ", shape_text(loss.sizes()),
            ", expected a floating point scalar");
  }
  return loss;
}

const at::Tensor& Session::output(int32_t index) const {
  if (index < 0 || index >= static_cast<int32_t>(graph_.outputs.size())) {
    invalid("output ", index, " does not exist; the graph has ", graph_.outputs.size());
  }
  if (outputs_.empty()) invalid("there are no outputs yet; call esper_host_forward first");
  return outputs_[static_cast<size_t>(index)];
}

// Dense copies: an output may be a view or share memory with a borrowed input.
void Session::keep_outputs(const Frame& frame) {
  std::vector<at::Tensor> outputs;
  for (int32_t output : graph_.outputs) {
    outputs.push_back(frame.slots[static_cast<size_t>(output)].detach().clone(at::MemoryFormat::Contiguous));
  }
  outputs_.swap(outputs);
}

std::vector<at::Tensor> Session::backup_buffers() const {
  std::vector<at::Tensor> backup;
  for (int32_t buffer : graph_.buffers) backup.push_back(fixed_[static_cast<size_t>(buffer)].clone());
  return backup;
}

void Session::restore_buffers(const std::vector<at::Tensor>& backup) {
  for (size_t i = 0; i < backup.size(); ++i) {
    const at::Tensor& buffer = fixed_[static_cast<size_t>(graph_.buffers[i])];
    if (buffer.numel() == 0) continue;
    if (device_.on_cpu()) {
      std::memcpy(buffer.data_ptr(), backup[i].data_ptr(), buffer.nbytes());
    } else {
      buffer.copy_(backup[i]);
    }
  }
}

}  // namespace esper::host
