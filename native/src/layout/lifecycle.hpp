// The lifecycle of a seed as data: the one place where legal transitions are written down.
#pragma once

#include <cstdint>

#include "esper/esper.h"

namespace esper::layout {

// Bit of a stage in a stage mask.
constexpr std::uint32_t stage_bit(std::int32_t stage) noexcept {
  return 1U << static_cast<std::uint32_t>(stage);
}

// True for the values of esper_stage.
constexpr bool is_stage(std::int32_t stage) noexcept {
  return stage >= 0 && stage < ESPER_STAGE_COUNT;
}

// Stages whose module is part of the forward value.
constexpr std::uint32_t kBlendedStages =
    stage_bit(ESPER_STAGE_BLENDING) | stage_bit(ESPER_STAGE_HOLDING) | stage_bit(ESPER_STAGE_FOSSILIZED);

// True if a seed in this stage is evaluated in forward.
constexpr bool is_blended_stage(std::int32_t stage) noexcept {
  return (stage_bit(stage) & kBlendedStages) != 0;
}

// The table: for each stage, the mask of those that may follow.
inline constexpr std::uint32_t kSuccessors[ESPER_STAGE_COUNT] = {
    stage_bit(ESPER_STAGE_GERMINATED),                                  // Dormant
    stage_bit(ESPER_STAGE_TRAINING) | stage_bit(ESPER_STAGE_CULLED),    // Germinated
    stage_bit(ESPER_STAGE_BLENDING) | stage_bit(ESPER_STAGE_CULLED),    // Training
    stage_bit(ESPER_STAGE_HOLDING) | stage_bit(ESPER_STAGE_CULLED),     // Blending
    stage_bit(ESPER_STAGE_FOSSILIZED) | stage_bit(ESPER_STAGE_CULLED),  // Holding
    0,                                                                  // Fossilized
    stage_bit(ESPER_STAGE_EMBARGOED),                                   // Culled
    stage_bit(ESPER_STAGE_RESETTING),                                   // Embargoed
    stage_bit(ESPER_STAGE_DORMANT),                                     // Resetting
};

// Whether the table has the step; false for values that are no stages.
constexpr bool transition_allowed(std::int32_t from, std::int32_t to) noexcept {
  return is_stage(from) && is_stage(to) && (kSuccessors[from] & stage_bit(to)) != 0;
}

// Name of a stage, "unknown" otherwise; static.
const char* stage_name(std::int32_t stage) noexcept;

}  // namespace esper::layout
