#include "layout/lifecycle.hpp"

namespace esper::layout {
namespace {

struct Stage {
  const char* name;
  std::uint32_t successors;  // Mask of the stages that may follow.
};

constexpr std::uint32_t kCulled = stage_bit(ESPER_STAGE_CULLED);

constexpr Stage kStages[ESPER_STAGE_COUNT] = {
    {"Dormant", stage_bit(ESPER_STAGE_GERMINATED)},
    {"Germinated", stage_bit(ESPER_STAGE_TRAINING) | kCulled},
    {"Training", stage_bit(ESPER_STAGE_BLENDING) | kCulled},
    {"Blending", stage_bit(ESPER_STAGE_HOLDING) | kCulled},
    {"Holding", stage_bit(ESPER_STAGE_FOSSILIZED) | kCulled},
    {"Fossilized", 0},
    {"Culled", stage_bit(ESPER_STAGE_EMBARGOED)},
    {"Embargoed", stage_bit(ESPER_STAGE_RESETTING)},
    {"Resetting", stage_bit(ESPER_STAGE_DORMANT)},
};

}  // namespace

bool transition_allowed(std::int32_t from, std::int32_t to) noexcept {
  return is_stage(from) && is_stage(to) && (kStages[from].successors & stage_bit(to)) != 0;
}

const char* stage_name(std::int32_t stage) noexcept {
  return is_stage(stage) ? kStages[stage].name : "unknown";
}

}  // namespace esper::layout
