#include "threads.h"

#include <dlfcn.h>

#include <algorithm>
#include <chrono>
#include <cstring>

#include "error.h"

namespace esper::host {
namespace {

// What a step tells about seeds are means over every position of an item: so many items give them to a few percent.
constexpr int32_t kSumsItems = 8;

void run_on_torch_threads(void*, int32_t count, esper_task_fn task, void* state) {
  at::parallel_for(0, count, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) task(state, static_cast<int32_t>(i));
  });
}

// A function of whatever BLAS is loaded, NULL if it has none of that name.
template <class Function>
Function blas_symbol(const char* name) {
  void* address = dlsym(RTLD_DEFAULT, name);
  Function function = nullptr;
  std::memcpy(&function, &address, sizeof(address));
  return function;
}

// The instruction set of libtorch's own kernels, from its configuration text.
std::string cpu_capability() {
  const std::string config = at::show_config();
  const std::string key = "CPU capability usage: ";
  const size_t start = config.find(key);
  if (start == std::string::npos) return "unknown";
  const size_t begin = start + key.size();
  return config.substr(begin, config.find('\n', begin) - begin);
}

std::string escaped(const std::string& raw) {
  std::string result;
  for (char c : raw) {
    if (c == '"' || c == '\\') result += '\\';
    result += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  }
  return result;
}

}  // namespace

void set_threads(int32_t threads) {
  if (threads < 0) invalid("options: threads is ", threads, ", expected 0 (all cores) or more");
  if (threads == 0) {
    esper_cpu_info cpu{};
    cpu.struct_size = sizeof(cpu);
    check_esper(esper_cpu_query(&cpu), "options: threads");
    threads = std::max(1, cpu.logical_cores);
  }
  if (at::get_num_threads() != threads) at::set_num_threads(threads);
  // OpenBLAS has a pool of its own, which libtorch does not set.
  if (auto* set_blas_threads = blas_symbol<void (*)(int)>("openblas_set_num_threads")) set_blas_threads(threads);
}

ContextHandle make_context(int32_t isa) {
  esper_context_options options{};
  options.struct_size = sizeof(options);
  options.threads = at::get_num_threads();
  options.isa = isa;
  options.parallel = run_on_torch_threads;
  options.sums_items = kSumsItems;
  esper_context* context = nullptr;
  check_esper(esper_context_create(&options, &context), "options");
  return ContextHandle(context);
}

std::string blas_description() {
  auto* config = blas_symbol<char* (*)()>("openblas_get_config");
  if (config == nullptr) return "reference";
  auto* core = blas_symbol<char* (*)()>("openblas_get_corename");
  return text(config(), core == nullptr ? "" : " core ", core == nullptr ? "" : core());
}

std::string info_json() {
#ifdef _OPENMP
  const char* parallel = "openmp";
#else
  const char* parallel = "native";
#endif
  const char* yes_no[] = {"false", "true"};
  return text("{\"libtorch\":\"", TORCH_VERSION, "\",\"threads\":", at::get_num_threads(), ",\"blas\":\"",
              escaped(blas_description()), "\",\"parallel\":\"", parallel,
              "\",\"cuda_built\":", yes_no[at::Context::hasCUDART() ? 1 : 0],
              ",\"cuda_available\":", yes_no[at::hasCUDA() ? 1 : 0], ",\"cpu_capability\":\"",
              escaped(cpu_capability()), "\"}");
}

double measure_matmul() {
  const c10::InferenceMode inference;
  constexpr int64_t kSize = 1024;
  constexpr int kRuns = 5;
  const at::Tensor a = at::full({kSize, kSize}, 0.5, at::TensorOptions().dtype(at::kFloat));
  const at::Tensor b = a.clone();
  at::Tensor c = at::mm(a, b);
  std::vector<double> rates;
  for (int run = 0; run < kRuns; ++run) {
    const auto start = std::chrono::steady_clock::now();
    at::mm_out(c, a, b);
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    rates.push_back(2.0 * kSize * kSize * kSize / seconds.count() * 1e-9);
  }
  std::sort(rates.begin(), rates.end());
  return rates[kRuns / 2];
}

}  // namespace esper::host
