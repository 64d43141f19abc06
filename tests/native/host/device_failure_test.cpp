// Failures of the driver and of libtorch's allocator in the middle of a device session's work: they are reported with
// their own status, and leave the session as it was.
#include <c10/core/CPUAllocator.h>
#include <dlfcn.h>

#include <atomic>

#include "cuda_driver/fake_cuda.h"
#include "device_fixture.h"

namespace esper::host::test {
namespace {

// libtorch's allocator of host memory, which lets one allocation fail as CUDA's would. Stays installed.
class FailingAllocator final : public c10::Allocator {
 public:
  static FailingAllocator& installed() {
    static FailingAllocator* const instance = [] {
      auto* made = new FailingAllocator(c10::GetCPUAllocator());
      c10::SetCPUAllocator(made, 1);
      return made;
    }();
    return *instance;
  }

  // Lets allocation number skip + 1 from now fail.
  void fail(int skip) { left_ = skip; }
  // Whether it did; forgets it otherwise.
  bool disarm() { return left_.exchange(-1) < 0; }

  at::DataPtr allocate(size_t bytes) const override {
    if (left_ >= 0 && left_-- == 0) {
      TORCH_CHECK_WITH(OutOfMemoryError, false, "CUDA out of memory. Tried to allocate 1.00 GiB");
    }
    return inner_->allocate(bytes);
  }
  at::DeleterFnPtr raw_deleter() const override { return inner_->raw_deleter(); }

 private:
  explicit FailingAllocator(c10::Allocator* inner) : inner_(inner) {}
  c10::Allocator* inner_;
  mutable std::atomic<int> left_{-1};
};

class DeviceFailure : public OnFakeDevice {
 protected:
  void SetUp() override {
    OnFakeDevice::SetUp();
    library_ = dlopen(ESPER_FAKE_DRIVER, RTLD_NOW | RTLD_LOCAL);
    ASSERT_NE(library_, nullptr) << dlerror();
    build_small_net(graph_);
  }

  template <class Function>
  Function* control(const char* name) const {
    return reinterpret_cast<Function*>(dlsym(library_, name));
  }
  // Lets the driver's call number skip + 1 of the symbol from now fail; "" is any.
  void fail(const char* symbol, int skip) const {
    control<decltype(esper_fake_fail)>("esper_fake_fail")(symbol, 719, skip);
  }
  // Forgets a failure that was not met.
  void forget() const {
    control<decltype(esper_fake_fail)>("esper_fake_fail")("", 0, 0);
    int devices = 0;
    control<int(int*)>("cuDeviceGetCount")(&devices);
  }
  int calls() const { return control<decltype(esper_fake_count)>("esper_fake_count")(""); }
  int live() const { return control<decltype(esper_fake_live)>("esper_fake_live")(""); }

  std::unique_ptr<Host> session(bool adamw = true) const {
    auto host = std::make_unique<Host>(graph_, 1, 7, ESPER_HOST_CUDA);
    germinate_small_net(*host);
    host->optimizer(adamw ? ESPER_HOST_ADAMW : ESPER_HOST_SGD,
                    adamw ? adamw_group(0.0F) : sgd_group(0.0F, false, 0.0F));
    return host;
  }

  void* library_ = nullptr;
  GraphBuilder graph_;
};

esper_status try_train(const Host& host, int64_t key, int telemetry) {
  const Inputs views(small_batch(key));
  const esper_host_step_options options{sizeof(options), 0.01F, 0.0F, telemetry};
  esper_host_step_result result{};
  result.struct_size = sizeof(result);
  return esper_host_train_step(host.get(), views.data(), views.count(), &options, &result);
}

// The state is as before; optimizer state may have come into being, and is zero then.
void expect_unchanged(const Host& host, const std::map<std::string, Tensor>& before, int failure) {
  for (const auto& [name, value] : host.all_state()) {
    const auto found = before.find(name);
    if (found == before.end()) {
      EXPECT_EQ(value.ne(0).sum().item<int64_t>(), 0) << name << " after the failure of " << failure;
    } else {
      EXPECT_TRUE(same_bits(value, found->second)) << name << " after the failure of " << failure;
    }
  }
}

// The first step creates tables, loads kernels, launches everything. Whichever call of the driver fails in it, the step
// has either not been taken, or says that it was half taken; another one can follow, and nothing leaks.
TEST_F(DeviceFailure, OfAnyCallOfTheDriverInAStep) {
  const int alive = live();
  int refused = 0;
  int halves = 0;
  for (int skip = 0; skip < 500; ++skip) {
    std::unique_ptr<Host> host = session();
    const std::map<std::string, Tensor> before = host->all_state();
    const int first = calls();
    fail("", skip);
    const esper_status status = try_train(*host, 0, skip % 2);
    const std::string message = esper_host_last_error();
    const bool met = calls() - first > skip;
    if (!met) forget();
    if (status != ESPER_OK) {
      ++refused;
      EXPECT_EQ(status, ESPER_ERROR_CUDA) << message;
      EXPECT_NE(message.find("CUDA_ERROR_LAUNCH_FAILED"), std::string::npos) << message;
      if (message.find("write the last snapshot back") != std::string::npos) {
        ++halves;
      } else {
        expect_unchanged(*host, before, skip);
      }
    }
    EXPECT_EQ(try_train(*host, 1, 1), ESPER_OK) << skip << ": " << esper_host_last_error();
    host.reset();
    EXPECT_EQ(live(), alive) << "after the failure of call " << skip;
    if (!met) break;
  }
  EXPECT_GT(refused, 30);
  EXPECT_GT(halves, 3);  // All launches of the optimizer but the first.
  EXPECT_LT(halves, refused / 2);
}

// A kernel that cannot be loaded is met by the optimizer first where there is no lattice.
TEST_F(DeviceFailure, OfTheFirstLaunchCountsNoStep) {
  for (const char* symbol : {"cuModuleGetFunction", "cuLaunchKernel"}) {
    GraphBuilder graph;
    const int32_t w = add_parameter(graph, "w", torch::ones({3}));
    graph.loss(graph.node("ReduceSum", {graph.node("Mul", {w, w})}, {attr("keepdims", 0)}));
    Host failed(graph, 1, 7, ESPER_HOST_CUDA);
    Host steady(graph, 1, 7, ESPER_HOST_CUDA);
    for (Host* host : {&failed, &steady}) host->optimizer(ESPER_HOST_ADAMW, adamw_group(0.0F));
    fail(symbol, 0);
    EXPECT_THROW(failed.train({}), std::runtime_error);
    EXPECT_EQ(failed.state("adam_step/w").item<int64_t>(), 0);
    for (Host* host : {&failed, &steady}) host->train({});
    EXPECT_TRUE(same_bits(failed.all_state(), steady.all_state())) << symbol;
  }
}

TEST_F(DeviceFailure, OfAnyAllocationInAStepChangesNothing) {
  FailingAllocator& allocator = FailingAllocator::installed();
  std::unique_ptr<Host> host = session();
  host->train(small_batch(0));
  const std::map<std::string, Tensor> before = host->all_state();
  int failures = 0;
  for (bool met = true; met; ++failures) {
    const Inputs views(small_batch(1));
    const esper_host_step_options options{sizeof(options), 0.01F, 0.0F, 1};
    esper_host_step_result result{};
    result.struct_size = sizeof(result);
    allocator.fail(failures);
    const esper_status status = esper_host_train_step(host->get(), views.data(), views.count(), &options, &result);
    met = allocator.disarm();
    ASSERT_EQ(status, met ? ESPER_ERROR_OUT_OF_MEMORY : ESPER_OK) << failures << ": " << esper_host_last_error();
    if (met) expect_unchanged(*host, before, failures);
  }
  EXPECT_GT(failures, 100);
}

TEST_F(DeviceFailure, InsideLibtorchHasTheDevicesStatus) {
  // Of lack of memory, where an operator of the graph meets it and where the session itself does.
  FailingAllocator& allocator = FailingAllocator::installed();
  Host host(graph_, 1, 7, ESPER_HOST_CUDA);
  const Inputs views(small_batch(0));
  for (const int skip : {0, 2}) {
    allocator.fail(skip);
    EXPECT_EQ(esper_host_forward(host.get(), views.data(), views.count(), 0), ESPER_ERROR_OUT_OF_MEMORY) << skip;
    EXPECT_TRUE(allocator.disarm());
    EXPECT_NE(std::string(esper_host_last_error()).find("Tried to allocate"), std::string::npos);
  }
}

TEST_F(DeviceFailure, OfAProbesBatchEndsTheProbe) {
  FailingAllocator& allocator = FailingAllocator::installed();
  Host host(graph_, 1, 7, ESPER_HOST_CUDA);
  germinate_small_net(host);
  const Inputs views(small_batch(0));
  const auto batch = [&](int32_t half) {
    return esper_host_probe_batch(host.get(), views.data(), views.count(), half);
  };
  esper_host_seed_probe rows[4];
  int32_t count = 0;
  const auto read = [&] { return esper_host_probe_read(host.get(), 0, rows, 4, &count); };
  ASSERT_EQ(esper_host_probe_begin(host.get()), ESPER_OK);
  for (const int32_t half : {0, 1}) ASSERT_EQ(batch(half), ESPER_OK);
  ASSERT_EQ(read(), ESPER_OK);
  const double expected = rows[0].cross;
  // Wherever it fails: the probe is either as it was, or at its end.
  int ended = 0;
  for (int skip = 0;; ++skip) {
    allocator.fail(skip);
    const esper_status status = batch(0);
    if (!allocator.disarm()) break;
    EXPECT_EQ(status, ESPER_ERROR_OUT_OF_MEMORY);
    if (read() == ESPER_OK) {
      EXPECT_EQ(rows[0].cross, expected) << skip;
      EXPECT_EQ(rows[3].input_square, rows[3].input_square);
      continue;
    }
    ++ended;
    EXPECT_NE(std::string(esper_host_last_error()).find("esper_host_probe_begin"), std::string::npos);
    ASSERT_EQ(esper_host_probe_begin(host.get()), ESPER_OK);
    for (const int32_t half : {0, 1}) ASSERT_EQ(batch(half), ESPER_OK);
  }
  EXPECT_GT(ended, 10);
}

}  // namespace
}  // namespace esper::host::test
