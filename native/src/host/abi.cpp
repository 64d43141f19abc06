// extern "C" shims: validate, then one firewall, then the core.
#include <cstring>
#include <memory>
#include <new>

#include "error.h"
#include "session.h"
#include "threads.h"
#include "torch_error.h"

using esper::host::Error;
using esper::host::invalid;
using esper::host::Session;
using esper::host::Site;
using esper::host::Snapshot;
using esper::host::StateEntry;
using esper::host::text;

struct esper_host_session {
  esper_host_session(const esper_host_graph& graph, const esper_host_options& options) : core(graph, options) {}
  Session core;
  std::vector<StateEntry> entries;  // Those of the last state_count, state_info or state_read.
  bool entries_valid = false;
};

struct esper_host_snapshot {
  Snapshot core;
};

namespace {

constexpr size_t kErrorBytes = 4096;
constexpr int32_t kMaxRank = 8;

// A fixed buffer, so that reporting a failed allocation does not allocate.
thread_local char last_error[kErrorBytes] = "";
thread_local std::string info_text;

void set_error(const char* message) noexcept {
  std::strncpy(last_error, message, kErrorBytes - 1);
  last_error[kErrorBytes - 1] = '\0';
}

esper_status report(esper_status status, const char* message) noexcept {
  set_error(message);
  return status;
}

// The one place where exceptions end.
template <class Body>
esper_status guard(const Body& body) noexcept {
  set_error("");
  try {
    body();
    return ESPER_OK;
  } catch (const Error& error) {
    return report(error.status(), error.what());
  } catch (const std::bad_alloc&) {
    return report(ESPER_ERROR_OUT_OF_MEMORY, "out of memory");
  } catch (const c10::Error& error) {
    return report(esper::host::torch_status(error, ESPER_ERROR_INTERNAL), error.what_without_backtrace());
  } catch (const std::exception& error) {
    return report(ESPER_ERROR_INTERNAL, error.what());
  } catch (...) {
    return report(ESPER_ERROR_INTERNAL, "unknown exception");
  }
}

template <class Pointer>
void require(const Pointer* pointer, const char* name) {
  if (pointer == nullptr) invalid(name, " is NULL");
}

template <class Struct>
void require_struct(const Struct* value, const char* name) {
  require(value, name);
  if (value->struct_size < sizeof(Struct)) {
    invalid(name, ": struct_size is ", value->struct_size, ", expected ", sizeof(Struct),
            "; set it to sizeof the struct before the call");
  }
}

Session& changing(esper_host_session* session) {
  require(session, "session");
  session->entries_valid = false;
  return session->core;
}

const Session& reading(const esper_host_session* session) {
  require(session, "session");
  return session->core;
}

// Describing state builds a list of it, kept until the session changes; that is invisible from outside.
const std::vector<StateEntry>& state_entries(const esper_host_session* session) {
  require(session, "session");
  auto* mutable_session = const_cast<esper_host_session*>(session);
  if (!mutable_session->entries_valid) {
    mutable_session->entries = mutable_session->core.state();
    mutable_session->entries_valid = true;
  }
  return mutable_session->entries;
}

void copy_dims(const std::vector<int64_t>& source, int64_t* dims) {
  if (source.size() > static_cast<size_t>(kMaxRank)) invalid("the tensor has more than 8 dimensions");
  std::copy(source.begin(), source.end(), dims);
}

struct NamedSize {
  const char* name;
  size_t size;
};

#define ESPER_HOST_SIZE(type) \
  { #type, sizeof(type) }
constexpr NamedSize kSizes[] = {
    ESPER_HOST_SIZE(esper_host_tensor),      ESPER_HOST_SIZE(esper_host_value),
    ESPER_HOST_SIZE(esper_host_attribute),   ESPER_HOST_SIZE(esper_host_node),
    ESPER_HOST_SIZE(esper_host_graph),       ESPER_HOST_SIZE(esper_host_options),
    ESPER_HOST_SIZE(esper_host_group),       ESPER_HOST_SIZE(esper_host_step_options),
    ESPER_HOST_SIZE(esper_host_step_result), ESPER_HOST_SIZE(esper_host_seed_telemetry),
    ESPER_HOST_SIZE(esper_host_seed_probe),
};
#undef ESPER_HOST_SIZE

}  // namespace

extern "C" {

uint32_t esper_host_abi_version(void) {
  return ESPER_HOST_ABI_VERSION;
}

const char* esper_host_last_error(void) {
  return last_error;
}

int32_t esper_host_struct_size(const char* name) {
  if (name == nullptr) return -1;
  for (const NamedSize& entry : kSizes) {
    if (std::strcmp(entry.name, name) == 0) return static_cast<int32_t>(entry.size);
  }
  return -1;
}

const char* esper_host_info(void) {
  const esper_status status = guard([] { info_text = esper::host::info_json(); });
  return status == ESPER_OK ? info_text.c_str() : "";
}

const char* esper_host_operators(void) {
  const char* names = "";
  const esper_status status = guard([&] { names = esper::host::operator_names(); });
  return status == ESPER_OK ? names : "";
}

esper_status esper_host_measure_matmul(double* gflops) {
  return guard([&] {
    require(gflops, "gflops");
    *gflops = esper::host::measure_matmul();
  });
}

esper_status esper_host_session_create(const esper_host_graph* graph, const esper_host_options* options,
                                       esper_host_session** session) {
  return guard([&] {
    require(session, "session");
    require_struct(graph, "graph");
    esper_host_options chosen{};
    chosen.isa = ESPER_ISA_AUTO;
    if (options != nullptr) {
      require_struct(options, "options");
      chosen = *options;
    }
    *session = new esper_host_session(*graph, chosen);
  });
}

void esper_host_session_destroy(esper_host_session* session) {
  delete session;
}

esper_status esper_host_optimizer_configure(esper_host_session* session, int32_t optimizer,
                                            const esper_host_group* groups, int32_t group_count,
                                            const int32_t* parameter_groups, int32_t parameter_count,
                                            int32_t arena_group) {
  return guard([&] {
    changing(session).configure_optimizer(optimizer, groups, group_count, parameter_groups, parameter_count,
                                          arena_group);
  });
}

esper_status esper_host_train_step(esper_host_session* session, const esper_host_tensor* inputs, int32_t input_count,
                                   const esper_host_step_options* options, esper_host_step_result* result) {
  return guard([&] {
    require_struct(options, "options");
    require_struct(result, "result");
    changing(session).train_step(inputs, input_count, *options, *result);
  });
}

esper_status esper_host_evaluate(esper_host_session* session, const esper_host_tensor* inputs, int32_t input_count,
                                 esper_host_step_result* result, float* example_loss, uint8_t* example_correct,
                                 int64_t capacity) {
  return guard([&] {
    require_struct(result, "result");
    changing(session).evaluate(inputs, input_count, *result, example_loss, example_correct, capacity);
  });
}

esper_status esper_host_forward(esper_host_session* session, const esper_host_tensor* inputs, int32_t input_count,
                                int32_t training_mode) {
  return guard([&] { changing(session).forward(inputs, input_count, training_mode != 0); });
}

esper_status esper_host_gradients(esper_host_session* session, const esper_host_tensor* inputs, int32_t input_count,
                                  esper_host_step_result* result) {
  return guard([&] {
    require_struct(result, "result");
    changing(session).gradients(inputs, input_count, *result);
  });
}

esper_status esper_host_output_info(const esper_host_session* session, int32_t index, int32_t* dtype, int32_t* rank,
                                    int64_t* dims) {
  return guard([&] {
    require(dtype, "dtype");
    require(rank, "rank");
    require(dims, "dims");
    const at::Tensor& output = reading(session).output(index);
    copy_dims(output.sizes().vec(), dims);
    *dtype = esper::host::host_dtype(output.scalar_type());
    *rank = static_cast<int32_t>(output.dim());
  });
}

esper_status esper_host_output_read(const esper_host_session* session, int32_t index, void* data, int64_t bytes) {
  return guard([&] {
    const at::Tensor& output = reading(session).output(index);
    const auto expected = static_cast<int64_t>(output.nbytes());
    if (bytes != expected) invalid("output ", index, " has ", expected, " bytes, got ", bytes);
    if (bytes > 0) {
      require(static_cast<const char*>(data), "data");
      esper::host::read_tensor(output, data);
    }
  });
}

esper_status esper_host_seed_germinate(esper_host_session* session, int32_t site, int32_t seed,
                                       const esper_lattice_seed* desc, const float* parameters, int64_t count) {
  return guard([&] {
    require_struct(desc, "desc");
    changing(session).site(site).germinate(seed, *desc, parameters, count);
  });
}

esper_status esper_host_seed_update(esper_host_session* session, int32_t site, int32_t seed,
                                    const esper_lattice_seed* desc) {
  return guard([&] {
    require_struct(desc, "desc");
    changing(session).site(site).update(seed, *desc);
  });
}

esper_status esper_host_seed_release(esper_host_session* session, int32_t site, int32_t seed) {
  return guard([&] { changing(session).site(site).release(seed); });
}

esper_status esper_host_seed_read(const esper_host_session* session, int32_t site, int32_t seed,
                                  esper_lattice_seed* desc, int32_t* has_module) {
  return guard([&] {
    require_struct(desc, "desc");
    require(has_module, "has_module");
    const Site& owner = reading(session).site(site);
    if (seed < 0 || seed >= owner.spec().seeds) {
      invalid("site ", site, ": seed ", seed, " is outside [0, ", owner.spec().seeds, ")");
    }
    const esper::host::SeedSlot& slot = owner.seeds()[static_cast<size_t>(seed)];
    *desc = slot.desc;
    *has_module = slot.attached ? 1 : 0;
  });
}

esper_status esper_host_seed_telemetry_read(const esper_host_session* session, int32_t site,
                                            esper_host_seed_telemetry* telemetry, int32_t capacity, int32_t* count) {
  return guard([&] {
    require(count, "count");
    const Site& owner = reading(session).site(site);
    if (owner.telemetry.empty()) {
      invalid("site ", site, ": no step has gathered telemetry yet; set telemetry = 1 in the step's options");
    }
    if (capacity > 0) require(telemetry, "telemetry");
    const auto total = static_cast<int32_t>(owner.telemetry.size());
    std::copy_n(owner.telemetry.begin(), std::max(0, std::min(capacity, total)), telemetry);
    *count = total;
  });
}

esper_status esper_host_probe_begin(esper_host_session* session) {
  return guard([&] { changing(session).probe_begin(); });
}

esper_status esper_host_probe_batch(esper_host_session* session, const esper_host_tensor* inputs, int32_t input_count,
                                    int32_t half) {
  return guard([&] {
    require(session, "session");  // A probe changes no state, so that state entries stay valid.
    session->core.probe_batch(inputs, input_count, half);
  });
}

esper_status esper_host_probe_read(const esper_host_session* session, int32_t site, esper_host_seed_probe* probes,
                                   int32_t capacity, int32_t* count) {
  return guard([&] {
    require(count, "count");
    if (capacity > 0) require(probes, "probes");
    const Session& core = reading(session);
    const Site& owner = core.site(site);
    std::vector<esper_host_seed_probe> rows;
    for (int32_t i = 0; i < std::min(capacity, owner.spec().seeds); ++i) rows.push_back(core.probe().read(owner, i));
    std::copy(rows.begin(), rows.end(), probes);
    *count = owner.spec().seeds;
  });
}

esper_status esper_host_state_count(const esper_host_session* session, int32_t* count) {
  return guard([&] {
    require(count, "count");
    *count = static_cast<int32_t>(state_entries(session).size());
  });
}

esper_status esper_host_state_info(const esper_host_session* session, int32_t index, const char** name, int32_t* dtype,
                                   int32_t* rank, int64_t* dims) {
  return guard([&] {
    require(name, "name");
    require(dtype, "dtype");
    require(rank, "rank");
    require(dims, "dims");
    const std::vector<StateEntry>& entries = state_entries(session);
    if (index < 0 || index >= static_cast<int32_t>(entries.size())) {
      invalid("state tensor ", index, " does not exist; there are ", entries.size());
    }
    const StateEntry& entry = entries[static_cast<size_t>(index)];
    copy_dims(entry.dims, dims);
    *name = entry.name.c_str();
    *dtype = entry.dtype;
    *rank = static_cast<int32_t>(entry.dims.size());
  });
}

esper_status esper_host_state_read(const esper_host_session* session, const char* name, void* data, int64_t bytes) {
  return guard([&] {
    require(name, "name");
    for (const StateEntry& entry : state_entries(session)) {
      if (entry.name != name) continue;
      if (bytes != entry.bytes) invalid("state '", name, "' has ", entry.bytes, " bytes, got ", bytes);
      if (bytes > 0) {
        require(static_cast<const char*>(data), "data");
        entry.read(data);
      }
      return;
    }
    invalid("there is no state tensor '", name, "'");
  });
}

esper_status esper_host_state_write(esper_host_session* session, const char* name, const void* data, int64_t bytes) {
  return guard([&] {
    require(name, "name");
    changing(session).write_state(name, data, bytes);
  });
}

esper_status esper_host_snapshot_create(esper_host_session* session, esper_host_snapshot** snapshot) {
  return guard([&] {
    require(snapshot, "snapshot");
    *snapshot = new esper_host_snapshot{reading(session).snapshot()};
  });
}

esper_status esper_host_snapshot_restore(esper_host_session* session, const esper_host_snapshot* snapshot) {
  return guard([&] {
    require(snapshot, "snapshot");
    changing(session).restore(snapshot->core);
  });
}

esper_status esper_host_snapshot_query(const esper_host_snapshot* snapshot, int64_t* bytes, int64_t* shared) {
  return guard([&] {
    require(snapshot, "snapshot");
    require(bytes, "bytes");
    require(shared, "shared");
    snapshot->core.count(*bytes, *shared);
  });
}

void esper_host_snapshot_destroy(esper_host_snapshot* snapshot) {
  delete snapshot;
}

}  // extern "C"
