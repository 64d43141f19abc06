// A session: one graph with parameters, lattices, optimizer and what the last calls left to be read.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "device.h"
#include "graph.h"
#include "loss.h"
#include "optimizer.h"
#include "plan.h"
#include "probe.h"
#include "readback.h"
#include "site.h"
#include "snapshot.h"

namespace esper::host {

// A named piece of state: a tensor, or counters in host memory.
struct StateEntry {
  void read(void* target) const;         // Copies the content to host memory.
  void write(const void* source) const;  // And from there.

  std::string name;
  int32_t dtype = ESPER_HOST_FLOAT32;
  std::vector<int64_t> dims;
  at::Tensor tensor;  // Undefined for counters.
  int64_t* counters = nullptr;
  int64_t bytes = 0;
};

class Session {
 public:
  Session(const esper_host_graph& graph, const esper_host_options& options);
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  void configure_optimizer(int32_t optimizer, const esper_host_group* groups, int32_t group_count,
                           const int32_t* parameter_groups, int32_t parameter_count, int32_t arena_group);

  void train_step(const esper_host_tensor* inputs, int32_t count, const esper_host_step_options& options,
                  esper_host_step_result& result);
  void evaluate(const esper_host_tensor* inputs, int32_t count, esper_host_step_result& result, float* example_loss,
                uint8_t* example_correct, int64_t capacity);
  void forward(const esper_host_tensor* inputs, int32_t count, bool training);
  void gradients(const esper_host_tensor* inputs, int32_t count, esper_host_step_result& result);
  const at::Tensor& output(int32_t index) const;

  Site& site(int32_t index);
  const Site& site(int32_t index) const;

  void probe_begin() { probe_.begin(sites_); }
  void probe_batch(const esper_host_tensor* inputs, int32_t count, int32_t half);
  const Probe& probe() const { return probe_; }

  // Entries point into the session and hold until it changes.
  std::vector<StateEntry> state();
  void write_state(const std::string& name, const void* data, int64_t bytes);

  Snapshot snapshot() const;
  void restore(const Snapshot& snapshot);

 private:
  struct Measures;  // What a step measures, until it is read.

  void make_sites();
  void place_on_device();
  // A frame with parameters, buffers, constants and the checked inputs (borrowed on the CPU, copied to a device).
  Frame make_frame(const esper_host_tensor* inputs, int32_t count);
  at::Tensor borrow_input(const esper_host_tensor& input, const Value& value) const;
  // Executes the graph on the frame; lattices that do not act in it cost nothing.
  void run(Frame& frame);
  // Loss and logits of an executed frame.
  at::Tensor loss_of(const Frame& frame) const;
  // Labels in host memory, undefined if the graph names none.
  at::Tensor host_labels(const Frame& frame) const;
  // The number of labels, if the graph and the caller's room allow one entry each.
  int64_t check_examples(const Frame& frame, int64_t capacity) const;
  at::Tensor example_losses(const Frame& frame) const;
  size_t add_hits(const Frame& frame, Measures& measures) const;
  void forward_backward(const esper_host_tensor* inputs, int32_t count, bool telemetry, Measures& measures,
                        esper_host_step_result& result);
  // What a step measures, in the order of work: queued, read with one wait, handed out.
  void measure_predictions(const Frame& frame, const at::Tensor& loss, Measures& measures) const;
  void measure_gradients(Measures& measures) const;
  void measure_seeds(Measures& measures) const;
  void finish_predictions(const Measures& measures, esper_host_step_result& result) const;
  void finish_gradients(const Measures& measures, esper_host_step_result& result) const;
  void finish_seeds(const Measures& measures);
  void optimizer_step(const esper_host_step_options& options, double norm);
  void clear_gradients();
  // Before a forward pass in training mode, which writes buffers in place; not in inference mode.
  void own_buffers() const;
  std::vector<at::Tensor> backup_buffers() const;
  void restore_buffers(const std::vector<at::Tensor>& backup);
  void keep_outputs(const Frame& frame);
  void create_optimizer_state(const std::string& name);
  void append_moments(std::vector<StateEntry>& entries);
  const at::Tensor& parameter(size_t index) const { return fixed_[static_cast<size_t>(graph_.parameters[index])]; }

  static uint64_t next_number();

  const uint64_t number_ = next_number();  // Of all sessions of the process; ties snapshots to their session.
  Graph graph_;
  Device device_;
  ContextHandle context_;
  std::vector<at::Tensor> fixed_;  // By value number: parameters (leaves), buffers, constants; others undefined.
  std::vector<Site> sites_;
  Plans plans_{graph_};
  LossOptions loss_options_;
  DropoutState dropout_;
  Optimizer optimizer_;
  std::vector<Moments> moments_;  // By parameter.
  std::vector<at::Tensor> outputs_;
  bool gradients_kept_ = false;  // Gradients of esper_host_gradients are there to be read.
  Probe probe_;
};

}  // namespace esper::host
