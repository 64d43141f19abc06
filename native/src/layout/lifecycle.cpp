#include "layout/lifecycle.hpp"

namespace esper::layout {
namespace {

constexpr const char* kNames[ESPER_STAGE_COUNT] = {"Dormant",    "Germinated", "Training",  "Blending", "Holding",
                                                   "Fossilized", "Culled",     "Embargoed", "Resetting"};

}  // namespace

const char* stage_name(std::int32_t stage) noexcept {
  return is_stage(stage) ? kNames[stage] : "unknown";
}

}  // namespace esper::layout
