#include "cpu/image_task.hpp"

#include <algorithm>

namespace esper::cpu {
namespace {

constexpr std::int64_t kLine = 16;  // Floats.

// Panels of channels-last gate chunks are kept between the phases of a pass up to this size, and loaded anew above it.
constexpr std::int64_t kGatePanelBytes = 256 * 1024;
// Sums over positions run in float inside of a tile and in double from tile to tile.
constexpr std::int64_t kLongestGateTile = 1024;

// Panels of one run of positions of depthwise should stay in the first level cache.
constexpr std::int64_t kRunBytes = 16 * 1024;
constexpr std::int64_t kLongestRun = 256;

std::int64_t round_up(std::int64_t value, std::int64_t unit) noexcept {
  return (value + unit - 1) / unit * unit;
}

// Chunks of images are worked on where they lie, but for the last positions that do not fill a group.
std::int64_t gate_tile(const ImageSite& site, std::int64_t group, std::int64_t panels, std::int32_t channels) noexcept {
  std::int64_t tile = std::min(kLongestGateTile, round_up(site.height * site.width, group));
  if (site.position_stride != 1) {
    tile = std::min(tile, kGatePanelBytes / (panels * channels * static_cast<std::int64_t>(sizeof(float))));
  }
  return std::max(tile / group * group, group);
}

PaddedImage padded_image(const ImageSite& site, std::int64_t group, std::int32_t kernel) noexcept {
  PaddedImage image{};
  image.height = site.height;
  image.width = site.width;
  image.row_halo = std::min<std::int64_t>(kernel / 2, site.height - 1);
  image.column_halo = std::min<std::int64_t>(kernel / 2, site.width - 1);
  image.row_stride = image.width + image.column_halo;
  image.lead = image.row_halo * image.row_stride + image.column_halo;
  image.flat = round_up(image.height * image.row_stride - image.column_halo, group);
  // An odd number of cache lines: rows a power of two apart would compete for the same places of the cache.
  image.pitch = round_up(image.flat + 2 * image.lead, kLine);
  image.pitch += image.pitch / kLine % 2 == 0 ? kLine : 0;
  return image;
}

// Panel of a gate chunk: whole tiles of channels-last data, the last positions of images.
std::int64_t gate_panel(const ImageSite& site, std::int64_t group, const SeedTask& task) noexcept {
  return task.channels * (site.position_stride == 1 ? group : std::int64_t{task.tile});
}

// Vectors over channels and hidden units that gate keeps for one batch item, see GateScratch.
std::int64_t gate_vectors(const SeedTask& task) noexcept {
  return 14 * round_up(task.channels, kLine) + 3 * round_up(task.rank, kLine);
}

// Estimated time of a unit: memory and stencil grow with the channels, the pointwise product with their square.
double unit_cost(const SeedTask& task) noexcept {
  const auto channels = static_cast<double>(task.channels);
  if (task.family == ESPER_FAMILY_GATE) {
    return 16.0 * channels;
  }
  return channels * (16.0 + channels + task.kernel * task.kernel);
}

}  // namespace

ImageSite make_image_site(const esper_shape& shape, std::int32_t channels) noexcept {
  const bool empty = shape.batch == 0 || shape.positions == 0;
  const bool tokens = shape.layout == ESPER_LAYOUT_TOKENS;
  const std::int64_t width = empty ? 1 : shape.width > 0 ? shape.width : shape.positions;
  return {empty ? 0 : shape.batch,    empty ? 1 : shape.positions / width, width,
          shape.positions * channels, tokens ? 1 : shape.positions,        tokens ? channels : 1};
}

void size_image_task(const ImageSite& site, const Kernels& kernels, bool backward, SeedTask* task) noexcept {
  const std::int64_t group = kernels.group;
  std::int64_t tile = 0;
  if (task->family == ESPER_FAMILY_GATE) {
    tile = gate_tile(site, group, backward ? 2 : 1, task->channels);
  } else {
    task->image = padded_image(site, group, task->kernel);
    const std::int64_t panels = backward ? 4 : 1;
    const std::int64_t fitting = kRunBytes / (panels * task->channels * static_cast<std::int64_t>(sizeof(float)));
    tile = std::min({fitting / group * group, kLongestRun, task->image.flat});
    tile = std::max(tile, group);
  }
  task->tile = static_cast<std::int32_t>(tile);
}

std::int64_t image_forward_scratch(const ImageSite& site, const Kernels& kernels, const SeedTask& task) noexcept {
  const std::int64_t group = kernels.group;
  if (task.family == ESPER_FAMILY_GATE) {
    return gate_vectors(task) + gate_panel(site, group, task) + task.tile;
  }
  const std::int64_t flat = round_up(task.image.flat, kLine);
  return task.channels * (task.image.pitch + flat + task.tile) + task.tile;
}

std::int64_t image_backward_scratch(const ImageSite& site, const Kernels& kernels, const SeedTask& task) noexcept {
  const std::int64_t group = kernels.group;
  if (task.family == ESPER_FAMILY_GATE) {
    return gate_vectors(task) + 2 * gate_panel(site, group, task) + 2 * round_up(site.height * site.width, group);
  }
  const std::int64_t flat = round_up(task.image.flat, kLine);
  return task.channels * (2 * task.image.pitch + flat + 4 * std::int64_t{task.tile}) + 2 * std::int64_t{task.tile} +
         flat;
}

ImageBlocks::ImageBlocks(const std::vector<SeedTask>& tasks, std::int64_t items, std::int64_t slots, std::int32_t index,
                         std::int32_t count) noexcept
    : tasks_(tasks),
      items_(items),
      slots_(slots),
      unit_(first_unit(index, count)),
      end_(first_unit(index + 1, count)) {}

bool ImageBlocks::next(ImageBlock* block) noexcept {
  if (unit_ >= end_) {
    return false;
  }
  const auto tasks = static_cast<std::int64_t>(tasks_.size());
  const std::int64_t slot = unit_ / tasks;
  const std::int64_t last = std::min(end_, (slot + 1) * tasks);
  *block = {static_cast<std::int32_t>(slot), slot_begin(slot), slot_begin(slot + 1),
            static_cast<std::int32_t>(unit_ - slot * tasks), static_cast<std::int32_t>(last - slot * tasks)};
  unit_ = last;
  return true;
}

std::int64_t ImageBlocks::slot_begin(std::int64_t slot) const noexcept {
  // items * slot could overflow; quotient and remainder can not.
  return items_ / slots_ * slot + std::min(items_ % slots_, slot);
}

// The first unit whose middle, measured in cost from the first unit's start, lies at or behind the partition's start.
std::int64_t ImageBlocks::first_unit(std::int32_t index, std::int32_t count) const noexcept {
  const auto tasks = static_cast<std::int64_t>(tasks_.size());
  if (index == 0 || tasks == 0 || slots_ == 0) {
    return 0;
  }
  if (index == count) {
    return slots_ * tasks;
  }
  double item_cost = 0.0;
  for (const SeedTask& task : tasks_) {
    item_cost += unit_cost(task);
  }
  const double start = static_cast<double>(items_) * index / count;  // In batch items.
  std::int64_t slot = 0;                                             // The last one that begins before the start.
  for (std::int64_t high = slots_; high - slot > 1;) {
    const std::int64_t middle = slot + (high - slot) / 2;
    if (static_cast<double>(slot_begin(middle)) <= start) {
      slot = middle;
    } else {
      high = middle;
    }
  }
  const auto begin = static_cast<double>(slot_begin(slot));
  const double slot_items = static_cast<double>(slot_begin(slot + 1)) - begin;
  const double rest = (start - begin) * item_cost;
  double cost = 0.0;
  std::int64_t task = 0;
  for (; task < tasks; ++task) {
    const double unit = slot_items * unit_cost(tasks_[static_cast<std::size_t>(task)]);
    if (cost + 0.5 * unit >= rest) {
      break;
    }
    cost += unit;
  }
  return slot * tasks + task;
}

}  // namespace esper::cpu
