// Where the seeds and panels of a group lie in a block's memory.
#pragma once

#include <cstdint>
#include <vector>

#include "cuda/tables.h"
#include "esper/esper.h"

namespace esper::cuda {

// What every placement depends on.
struct Setting {
  std::int64_t rows;  // batch * positions
  std::int64_t batch;
  std::int64_t positions;
  std::int32_t element;  // Bytes of an element.
  bool tokens;
};

// Scratch memory that all blocks together may use; groups that need scratch run on fewer blocks where it is short.
constexpr std::int64_t kScratchBudget = std::int64_t{256} << 20;
// Partial results of one group.
constexpr std::int64_t kPartialBudget = std::int64_t{64} << 20;
// Channels up to which adjacent seeds share a tile: 128 bytes of float16, 256 of float32.
constexpr std::int32_t kGroupChannels = 64;

// The seed in one direction, without placements; flags are 0 if it has nothing to do there.
EsperSeed describe_seed(const esper_lattice_seed& seed, std::int32_t index, bool backward) noexcept;

// EsperCudaKind of a family.
std::int32_t kind_of(std::int32_t family) noexcept;

// Places seeds [first, first + count) of list as one group: tile, panels, staged weights, sums. Returns the group and
// sets the seeds' placements. scratch receives the bytes of a block's scratch memory that it needs.
EsperGroup place_group(const Setting& setting, std::vector<EsperSeed>* list, std::int32_t first, std::int32_t count,
                       bool backward, std::int64_t* scratch);

// Units of work of a group, and roughly the elements that one of them moves.
std::int64_t unit_count(const Setting& setting, const EsperGroup& group) noexcept;
std::int64_t unit_cost(const Setting& setting, const EsperGroup& group, bool backward) noexcept;

}  // namespace esper::cuda
