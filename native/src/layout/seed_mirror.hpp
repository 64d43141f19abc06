// What a device's copy of the seeds' views lacks, and the memory from which it is brought up to date.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>

#include "esper/esper.h"

namespace esper::layout {

// Used by the writer alone, except for bytes().
class SeedMirror {
 public:
  explicit SeedMirror(std::size_t seeds) noexcept : seeds_(seeds), end_(seeds) {}

  // The view of this seed changed.
  void mark(std::size_t seed) noexcept {
    first_ = seed < first_ ? seed : first_;
    end_ = seed >= end_ ? seed + 1 : end_;
  }

  // Copies what target lacks: fill(first, end, views) writes the views of seeds first to end - 1, then copy takes them.
  // Returns the bytes copied. If fill or copy fails, the changes stay pending; after a failed copy nothing is known
  // about the target, and the next call copies everything.
  template <typename Fill>
  std::int64_t update(esper_copy_fn copy, void* user, void* target, const Fill& fill) {
    if (target != target_) {
      forget();
    }
    if (first_ >= end_) {
      return 0;
    }
    const std::size_t first = first_;
    const std::size_t end = end_;
    esper_seed_view* views = staging(end - first);
    fill(first, end, views);
    return send(copy, user, target, views);
  }

  // Bytes of the staging memory. Any thread may ask.
  std::size_t bytes() const noexcept { return bytes_.load(std::memory_order_relaxed); }

 private:
  struct Staging {
    std::unique_ptr<esper_seed_view[]> views;
    std::size_t capacity = 0;
  };

  // Nothing is known about any target.
  void forget() noexcept {
    target_ = nullptr;
    first_ = 0;
    end_ = seeds_;
  }
  // Room for count views in the memory that the copy before the last one read; that one is finished by contract.
  esper_seed_view* staging(std::size_t count);
  std::int64_t send(esper_copy_fn copy, void* user, void* target, const esper_seed_view* views);

  std::size_t seeds_;
  std::size_t first_ = 0;  // Changed seeds lie in [first_, end_).
  std::size_t end_ = 0;
  void* target_ = nullptr;  // Where the views were copied to, nullptr if nothing is known about it.
  // Copies may still be running when copy returns, so each reads memory that the next copy leaves alone.
  Staging staging_[2];
  std::size_t turn_ = 0;
  std::atomic<std::size_t> bytes_{0};
};

}  // namespace esper::layout
