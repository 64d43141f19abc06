#include "cuda/placement.hpp"

#include <algorithm>
#include <cmath>

#include "layout/blueprint.hpp"
#include "layout/lattice.hpp"
#include "layout/lifecycle.hpp"

namespace esper::cuda {
namespace {

constexpr std::int32_t kWarps = ESPER_CUDA_THREADS / 32;
// Elements of a panel beyond which a longer tile brings nothing.
constexpr std::int64_t kPanelElements = 8192;

std::int64_t align(std::int64_t value, std::int64_t unit) noexcept {
  return (value + unit - 1) / unit * unit;
}
std::int32_t pad4(std::int32_t value) noexcept {
  return (value + 3) & ~3;
}

double confidence(const esper_lattice_seed& seed) noexcept {
  const double z = static_cast<double>(seed.confidence_k) *
                   (static_cast<double>(seed.margin) - static_cast<double>(seed.confidence_tau));
  return 1.0 / (1.0 + std::exp(-z));
}

// Weight and its derivative by alpha, of the blends whose weight is one number.
void uniform_weight(const esper_lattice_seed& seed, EsperSeed* out) noexcept {
  out->weight = seed.alpha;
  out->alpha_slope = 1.0;
  if (seed.blend != ESPER_BLEND_CONFIDENCE) {
    return;
  }
  out->alpha_slope = 0.0;
  if (seed.alpha == 0.0F) {
    return;
  }
  const double slope = confidence(seed);
  const double weight = static_cast<double>(seed.alpha) * slope;
  const auto low = static_cast<double>(seed.confidence_lo);
  const auto high = static_cast<double>(seed.confidence_hi);
  out->weight = static_cast<float>(std::min(std::max(weight, low), high));
  if (weight > low && weight < high) {
    out->alpha_slope = slope;
  }
}

// Hands out floats of one memory.
class Space {
 public:
  std::int32_t take(std::int64_t floats) noexcept {
    const std::int64_t start = used_;
    used_ += align(floats, 4);
    return static_cast<std::int32_t>(start);
  }
  std::int64_t used() const noexcept { return used_; }

 private:
  std::int64_t used_ = 0;
};

void place_weights(EsperSeed* seed, bool backward, Space* space) noexcept {
  const std::int64_t c = seed->channels;
  const std::int64_t h = seed->hidden;
  const std::int64_t pc = pad4(seed->channels);
  const std::int64_t ph = pad4(seed->hidden);
  const std::int32_t kind = kind_of(seed->family);
  seed->w_input_t = seed->w_input = seed->w_output_t = seed->w_output = -1;
  if (h > 0 && kind != ESPER_CUDA_GATE) {
    seed->w_output_t = space->take(h * pc);
    seed->w_output = backward ? space->take(c * ph) : -1;
    if (kind == ESPER_CUDA_POINTWISE) {
      seed->w_input_t = space->take(c * ph);
      seed->w_input = backward ? space->take(h * pc) : -1;
    }
  }
  seed->w_input_bias = space->take(ph);
  seed->w_output_bias = space->take(pc);
  seed->w_channel = space->take(pc);
  seed->w_gate = seed->blend == ESPER_CUDA_GATED ? space->take(c + 1) : -1;
  std::int64_t vector = h == 0 ? c : 0;
  if (kind == ESPER_CUDA_GATE) {
    vector = 4 * pc + 3 * ph;
  } else if (kind == ESPER_CUDA_DEPTHWISE) {
    vector = c * seed->kernel * seed->kernel;
  }
  seed->w_vector = space->take(vector);
}

void place_sums(EsperSeed* seed, Space* space) noexcept {
  const std::int64_t c = seed->channels;
  const std::int64_t h = seed->hidden;
  const std::int32_t kind = kind_of(seed->family);
  Space own;
  const std::int64_t inputs = kind == ESPER_CUDA_DEPTHWISE ? std::int64_t{seed->kernel} * seed->kernel : h;
  seed->s_input = own.take(inputs * c);
  seed->s_input_bias = own.take(h);
  seed->s_output = own.take(h > 0 ? c * h : c);
  seed->s_output_bias = own.take(c);
  seed->s_gate = own.take(seed->blend == ESPER_CUDA_GATED ? c + 1 : 0);
  seed->s_module = kind == ESPER_CUDA_GATE ? own.take(c) : -1;
  seed->sum_count = static_cast<std::int32_t>(own.used());
  seed->sums = space->take(own.used());
}

// Sizes of the three parts of a group's memory, bytes.
struct Parts {
  std::int64_t panels;
  std::int64_t weights;
  std::int64_t sums;
};

std::int64_t panel_rows(const EsperGroup& group, bool backward) noexcept {
  return backward ? 2 * std::int64_t{group.panel_rows} + 3 * std::int64_t{group.hidden_rows} + 3 * group.seeds
                  : std::int64_t{group.panel_rows} + group.hidden_rows + group.seeds;
}

void place_panels(EsperGroup* group, bool backward) noexcept {
  Space space;
  const std::int64_t tile = group->tile;
  group->p_x = space.take(group->panel_rows * tile);
  group->p_dy = backward ? space.take(group->panel_rows * tile) : -1;
  group->p_hidden = space.take(group->hidden_rows * tile);
  group->p_slope = backward ? space.take(group->hidden_rows * tile) : -1;
  group->p_dhidden = backward ? space.take(group->hidden_rows * tile) : -1;
  group->p_weight = space.take((backward ? 3 : 1) * group->seeds * tile);
}

// The longest tile that fits shared memory and is not longer than there are rows; 32 if none fits.
std::int32_t choose_tile(const Setting& setting, const EsperGroup& group, const Parts& parts, bool backward,
                         std::int64_t shared) noexcept {
  const std::int64_t rows = group.kind == ESPER_CUDA_POINTWISE ? setting.rows : setting.positions;
  std::int32_t tile = 256;
  while (tile > 32 && (parts.weights + parts.sums + panel_rows(group, backward) * tile * 4 > shared ||
                       group.panel_rows * std::int64_t{tile} > kPanelElements || tile / 2 >= rows)) {
    tile /= 2;
  }
  return tile;
}

// Decides what lies in shared memory and what in scratch: panels first, they are touched most, then sums, then weights.
void place_parts(EsperGroup* group, const Parts& parts, std::int64_t shared, std::int64_t* scratch) noexcept {
  std::int64_t used = ESPER_CUDA_CONTROL;
  const std::int64_t end = ESPER_CUDA_CONTROL + shared;
  *scratch = 0;
  const auto put = [&](std::int64_t bytes, std::int32_t flag) {
    const std::int64_t size = align(bytes, 16);
    std::int64_t* memory = used + size <= end ? &used : scratch;
    group->flags |= memory == scratch ? flag : 0;
    const std::int64_t at = *memory;
    *memory += size;
    return at;
  };
  group->panels_at = put(parts.panels, ESPER_CUDA_PANELS_APART);
  group->sums_at = put(parts.sums, ESPER_CUDA_SUMS_APART);
  group->weights_at = put(parts.weights, ESPER_CUDA_WEIGHTS_APART);
}

}  // namespace

std::int32_t kind_of(std::int32_t family) noexcept {
  if (family == ESPER_FAMILY_GATE) {
    return ESPER_CUDA_GATE;
  }
  return family == ESPER_FAMILY_DEPTHWISE ? ESPER_CUDA_DEPTHWISE : ESPER_CUDA_POINTWISE;
}

EsperSeed describe_seed(const esper_lattice_seed& seed, std::int32_t index, bool backward) noexcept {
  const layout::ParameterMap map = layout::parameter_map(seed);
  EsperSeed out{};
  out.theta = seed.parameter_offset;
  out.index = index;
  out.family = seed.family;
  out.activation = layout::has_activation(seed.family) ? seed.activation : -1;
  out.channel_begin = seed.channel_begin;
  out.channels = seed.channel_count;
  out.hidden = seed.family == ESPER_FAMILY_DEPTHWISE ? seed.channel_count : seed.rank;
  out.kernel = seed.kernel;
  out.alpha = seed.alpha;
  out.weight = 1.0F;
  out.input_weight = static_cast<std::int32_t>(map.input_weight);
  out.input_bias = static_cast<std::int32_t>(map.input_bias);
  out.output_weight = static_cast<std::int32_t>(map.output_weight);
  out.output_bias = static_cast<std::int32_t>(map.output_bias);
  out.blend_weight = static_cast<std::int32_t>(map.blend);
  out.blend = ESPER_CUDA_UNIFORM;
  if (seed.stage == ESPER_STAGE_TRAINING) {
    out.kappa = seed.kappa;
    out.flags = backward ? ESPER_CUDA_TRAINING : 0;
  } else if (layout::is_blended_stage(seed.stage)) {
    bool alters = seed.alpha > 0.0F;
    bool slopes = true;
    if (seed.blend == ESPER_BLEND_CHANNEL) {
      out.blend = ESPER_CUDA_CHANNEL;
    } else if (seed.blend == ESPER_BLEND_GATED) {
      out.blend = ESPER_CUDA_GATED;
    } else {
      uniform_weight(seed, &out);
      alters = out.weight != 0.0F;
      slopes = out.alpha_slope != 0.0;
    }
    out.flags = (alters ? ESPER_CUDA_ALTERS : 0) | (backward && slopes ? ESPER_CUDA_ALPHA : 0);
  }
  if (backward && out.flags != 0 && layout::is_learning(seed)) {
    out.flags |= ESPER_CUDA_LEARNS;
  }
  return out;
}

EsperGroup place_group(const Setting& setting, std::vector<EsperSeed>* list, std::int32_t first, std::int32_t count,
                       bool backward, std::int64_t* scratch) {
  EsperGroup group{};
  EsperSeed* seeds = list->data() + first;
  group.kind = kind_of(seeds[0].family);
  group.first_seed = first;
  group.seeds = count;
  group.channel_begin = seeds[0].channel_begin;
  group.channels = seeds[count - 1].channel_begin + seeds[count - 1].channels - seeds[0].channel_begin;
  group.panel_rows = group.channels;
  Space weights;
  Space sums;
  for (std::int32_t s = 0; s < count; ++s) {
    EsperSeed& seed = seeds[s];
    seed.panel_row = seed.channel_begin - group.channel_begin;
    seed.hidden_row = group.hidden_rows;
    group.hidden_rows += group.kind == ESPER_CUDA_GATE ? 0 : seed.hidden;
    seed.weight_row = (backward ? 3 : 1) * s;
    seed.stats = s * kWarps * ESPER_CUDA_STATS;
    place_weights(&seed, backward, &weights);
    if (backward) {
      place_sums(&seed, &sums);
    }
  }
  group.sum_count = static_cast<std::int32_t>(sums.used());
  Parts parts{0, weights.used() * 4, 0};
  if (backward) {
    parts.sums = sums.used() * 4 + std::int64_t{count} * kWarps * ESPER_CUDA_STATS * 8;
    group.partial_bytes = align(std::int64_t{count} * ESPER_CUDA_STATS * 8 + sums.used() * 4, 128);
  }
  const std::int64_t shared = (backward ? ESPER_CUDA_BACKWARD_SHARED : ESPER_CUDA_FORWARD_SHARED) - ESPER_CUDA_CONTROL;
  group.tile = choose_tile(setting, group, parts, backward, shared - 48);
  parts.panels = panel_rows(group, backward) * group.tile * 4;
  place_panels(&group, backward);
  place_parts(&group, parts, shared, scratch);
  if (group.kind == ESPER_CUDA_DEPTHWISE) {
    group.item_at = *scratch;
    const std::int64_t chunk = std::int64_t{seeds[0].channels} * setting.positions;
    *scratch += backward ? (chunk + setting.positions) * 4 : chunk * setting.element;
  }
  *scratch = align(*scratch, 256);
  return group;
}

std::int64_t unit_count(const Setting& setting, const EsperGroup& group) noexcept {
  const bool item = group.kind == ESPER_CUDA_GATE || group.kind == ESPER_CUDA_DEPTHWISE;
  return item ? setting.batch : (setting.rows + group.tile - 1) / group.tile;
}

std::int64_t unit_cost(const Setting& setting, const EsperGroup& group, bool backward) noexcept {
  const std::int64_t chunk =
      group.channels * (group.kind == ESPER_CUDA_GATE || group.kind == ESPER_CUDA_DEPTHWISE ? setting.positions
                                                                                            : std::int64_t{group.tile});
  switch (group.kind) {
    case ESPER_CUDA_COPY:
      return 2 * chunk;
    case ESPER_CUDA_POINTWISE:
      return (backward ? 4 : 2) * chunk + 1024;
    case ESPER_CUDA_GATE:
      return (backward ? 6 : 3) * chunk + 4096;
    default:
      return (backward ? 12 : 6) * chunk + 4096;
  }
}

}  // namespace esper::cuda
