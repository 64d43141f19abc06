// extern "C" shims of the seed store: check pointers and struct sizes, then call the core.
#include "abi/error.hpp"
#include "layout/lifecycle.hpp"
#include "layout/seed_store.hpp"

struct esper_seed_store {
  esper::layout::SeedStore core;
};

namespace {

using esper::require_pointer;
using esper::require_struct;
using esper::abi::guarded;

}  // namespace

esper_status esper_seed_store_create(int32_t count, esper_seed_store** store) {
  return guarded([&] {
    require_pointer(store, "store");
    *store = new esper_seed_store{esper::layout::SeedStore(count)};
  });
}

void esper_seed_store_destroy(esper_seed_store* store) {
  delete store;
}

esper_status esper_seed_store_query(const esper_seed_store* store, int32_t* count, int64_t* bytes) {
  return guarded([&] {
    require_pointer(store, "store");
    if (count != nullptr) {
      *count = store->core.count();
    }
    if (bytes != nullptr) {
      *bytes = store->core.bytes();
    }
  });
}

esper_status esper_seed_store_read(const esper_seed_store* store, int32_t seed, esper_seed_state* state) {
  return guarded([&] {
    require_pointer(store, "store");
    require_pointer(state, "state");
    require_struct(state->struct_size, sizeof *state, "state");
    store->core.read(seed, state);
  });
}

esper_status esper_seed_store_transition(esper_seed_store* store, int32_t seed, int32_t to) {
  return guarded([&] {
    require_pointer(store, "store");
    store->core.transition(seed, to);
  });
}

esper_status esper_seed_store_set_alpha(esper_seed_store* store, int32_t seed, float alpha) {
  return guarded([&] {
    require_pointer(store, "store");
    store->core.set_alpha(seed, alpha);
  });
}

esper_status esper_seed_store_assign(esper_seed_store* store, int32_t seed, uint32_t blueprint, uint32_t embargo,
                                     uint32_t flags) {
  return guarded([&] {
    require_pointer(store, "store");
    store->core.assign(seed, blueprint, embargo, flags);
  });
}

esper_status esper_seed_store_end_epoch(esper_seed_store* store) {
  return guarded([&] {
    require_pointer(store, "store");
    store->core.end_epoch();
  });
}

esper_status esper_seed_store_restore(esper_seed_store* store, int32_t seed, const esper_seed_state* state) {
  return guarded([&] {
    require_pointer(store, "store");
    require_pointer(state, "state");
    require_struct(state->struct_size, sizeof *state, "state");
    if (!esper::layout::is_stage(state->stage)) {
      throw esper::invalid("state.stage is " + std::to_string(state->stage) + ", expected an esper_stage");
    }
    store->core.restore(seed, {static_cast<std::uint8_t>(state->stage), state->alpha, state->age, state->embargo,
                               state->blueprint, state->transitions, state->flags});
  });
}

esper_status esper_seed_store_select(const esper_seed_store* store, uint32_t stage_mask, int32_t* seeds,
                                     int32_t capacity, int32_t* count) {
  return guarded([&] {
    require_pointer(store, "store");
    require_pointer(count, "count");
    if (capacity < 0) {
      throw esper::invalid("capacity is " + std::to_string(capacity) + ", expected 0 or more");
    }
    if (capacity > 0) {
      require_pointer(seeds, "seeds");
    }
    *count = store->core.select(stage_mask, seeds, capacity);
  });
}

esper_status esper_seed_store_verify(const esper_seed_store* store) {
  return guarded([&] {
    require_pointer(store, "store");
    store->core.verify();
  });
}

esper_status esper_seed_store_version(const esper_seed_store* store, uint64_t* version) {
  return guarded([&] {
    require_pointer(store, "store");
    require_pointer(version, "version");
    *version = store->core.version();
  });
}

esper_status esper_seed_store_mirror(esper_seed_store* store, esper_copy_fn copy, void* user, void* target,
                                     int64_t* copied) {
  return guarded([&] {
    require_pointer(store, "store");
    require_pointer(reinterpret_cast<const void*>(copy), "copy");
    require_pointer(target, "target");
    const std::int64_t bytes = store->core.mirror(copy, user, target);
    if (copied != nullptr) {
      *copied = bytes;
    }
  });
}
