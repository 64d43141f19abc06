#include "cuda/work_list.hpp"

#include <algorithm>
#include <utility>

#include "layout/blueprint.hpp"

namespace esper::cuda {
namespace {

constexpr std::int64_t kCopyElements = 16384;  // Elements of a copy unit, about.

// Groups of one direction, in the order of their channels, and the scratch that one block needs for any of them.
struct Direction {
  std::vector<EsperSeed> seeds;
  std::vector<EsperGroup> groups;
  std::int64_t scratch = 0;
};

// Marks seeds whose parameters another learning seed has as well.
std::vector<bool> shared_parameters(const layout::Lattice& lattice) {
  struct Range {
    std::int64_t begin;
    std::int64_t end;
    std::size_t seed;
  };
  std::vector<Range> ranges;
  for (std::size_t i = 0; i < lattice.seeds().size(); ++i) {
    const esper_lattice_seed& seed = lattice.seeds()[i];
    if (layout::is_learning(seed)) {
      ranges.push_back({seed.parameter_offset, seed.parameter_offset + layout::parameter_map(seed).count, i});
    }
  }
  std::sort(ranges.begin(), ranges.end(), [](const Range& a, const Range& b) { return a.begin < b.begin; });
  std::vector<bool> shared(lattice.seeds().size(), false);
  std::size_t longest = 0;  // Of the ranges so far, the one that ends last.
  for (std::size_t i = 1; i < ranges.size(); ++i) {
    if (ranges[i].begin < ranges[longest].end) {
      shared[ranges[i].seed] = true;
      shared[ranges[longest].seed] = true;
    }
    if (ranges[i].end > ranges[longest].end) {
      longest = i;
    }
  }
  return shared;
}

// Number of seeds from first on that make one group.
std::int32_t group_size(const Setting& setting, std::vector<EsperSeed>* seeds, std::int32_t first, bool backward,
                        const std::vector<bool>& alone) {
  const auto total = static_cast<std::int32_t>(seeds->size());
  const EsperSeed& head = (*seeds)[static_cast<std::size_t>(first)];
  std::int32_t count = 1;
  if (kind_of(head.family) != ESPER_CUDA_POINTWISE || alone[static_cast<std::size_t>(head.index)]) {
    return count;
  }
  while (first + count < total && count < ESPER_CUDA_GROUP_SEEDS) {
    const EsperSeed& last = (*seeds)[static_cast<std::size_t>(first + count - 1)];
    const EsperSeed& next = (*seeds)[static_cast<std::size_t>(first + count)];
    const std::int32_t width = next.channel_begin + next.channels - head.channel_begin;
    if (kind_of(next.family) != ESPER_CUDA_POINTWISE || alone[static_cast<std::size_t>(next.index)] ||
        last.channel_begin + last.channels != next.channel_begin || width > kGroupChannels) {
      break;
    }
    std::int64_t scratch = 0;
    const EsperGroup group = place_group(setting, seeds, first, count + 1, backward, &scratch);
    if (scratch > 0 || (group.tile < 64 && setting.rows > 32)) {
      break;
    }
    ++count;
  }
  return count;
}

Direction make_direction(const layout::Lattice& lattice, const Setting& setting, bool backward) {
  Direction direction;
  const std::vector<esper_lattice_seed>& all = lattice.seeds();
  for (std::size_t i = 0; setting.rows > 0 && i < all.size(); ++i) {
    const EsperSeed seed = describe_seed(all[i], static_cast<std::int32_t>(i), backward);
    if (seed.flags != 0) {
      direction.seeds.push_back(seed);
    }
  }
  std::sort(direction.seeds.begin(), direction.seeds.end(),
            [](const EsperSeed& a, const EsperSeed& b) { return a.channel_begin < b.channel_begin; });
  const std::vector<bool> ordered = backward ? shared_parameters(lattice) : std::vector<bool>(all.size(), false);
  const auto total = static_cast<std::int32_t>(direction.seeds.size());
  for (std::int32_t first = 0; first < total;) {
    const std::int32_t count = group_size(setting, &direction.seeds, first, backward, ordered);
    std::int64_t scratch = 0;
    EsperGroup group = place_group(setting, &direction.seeds, first, count, backward, &scratch);
    group.counter = static_cast<std::int32_t>(direction.groups.size());
    if (ordered[static_cast<std::size_t>(direction.seeds[static_cast<std::size_t>(first)].index)]) {
      group.flags |= ESPER_CUDA_ORDERED;
    }
    direction.scratch = std::max(direction.scratch, scratch);
    direction.groups.push_back(group);
    first += count;
  }
  return direction;
}

void add_copy(std::int32_t begin, std::int32_t end, std::vector<EsperGroup>* groups) {
  if (begin >= end) {
    return;
  }
  EsperGroup group{};
  group.kind = ESPER_CUDA_COPY;
  group.channel_begin = begin;
  group.channels = end - begin;
  group.tile = static_cast<std::int32_t>(std::clamp<std::int64_t>(kCopyElements / group.channels / 8 * 8, 8, 4096));
  groups->push_back(group);
}

// Groups that copy the channels that no seed covers. Channels-last ranges are cut where 16-byte pieces begin and end.
void add_copies(std::int32_t channels, const Setting& setting, std::vector<EsperGroup>* groups) {
  const std::vector<EsperGroup> covering = *groups;
  const std::int32_t vector = setting.tokens ? 16 / setting.element : 1;
  std::int32_t next = 0;
  const auto gap = [&](std::int32_t end) {
    const std::int32_t first = std::min((next + vector - 1) / vector * vector, end);
    const std::int32_t last = std::max(end / vector * vector, first);
    add_copy(next, first, groups);
    add_copy(first, last, groups);
    add_copy(last, end, groups);
  };
  for (const EsperGroup& group : covering) {
    gap(group.channel_begin);
    next = group.channel_begin + group.channels;
  }
  gap(channels);
}

// Whether a group keeps something in its blocks' scratch memory.
bool needs_scratch(const EsperGroup& group) noexcept {
  constexpr std::int32_t kApart = ESPER_CUDA_PANELS_APART | ESPER_CUDA_WEIGHTS_APART | ESPER_CUDA_SUMS_APART;
  return (group.flags & kApart) != 0 || group.kind == ESPER_CUDA_DEPTHWISE;
}

using Spans = std::vector<std::vector<EsperSpan>>;  // Of every block.

// Divides the units of those groups that need scratch memory, or of those that do not, among the first width blocks:
// contiguous runs of about equal cost. Partial results bound the number of runs of a group.
void divide(const Setting& setting, bool scratch, bool backward, std::int64_t width, std::vector<EsperGroup>* groups,
            Spans* spans) {
  double total = 0.0;
  for (const EsperGroup& group : *groups) {
    if (needs_scratch(group) == scratch) {
      total +=
          static_cast<double>(unit_count(setting, group)) * static_cast<double>(unit_cost(setting, group, backward));
    }
  }
  double before = 0.0;
  for (std::size_t g = 0; g < groups->size(); ++g) {
    EsperGroup& group = (*groups)[g];
    if (needs_scratch(group) != scratch) {
      continue;
    }
    const std::int64_t units = unit_count(setting, group);
    const auto cost = static_cast<double>(unit_cost(setting, group, backward));
    const std::int64_t most =
        group.partial_bytes > 0 ? std::max<std::int64_t>(kPartialBudget / group.partial_bytes, 1) : units;
    const std::int64_t run = std::max<std::int64_t>((units + most - 1) / most, 1);
    std::int64_t last = -1;
    for (std::int64_t begin = 0; begin < units; begin += run) {
      const std::int64_t end = std::min(begin + run, units);
      const double share = (before + cost * static_cast<double>(begin)) / total * static_cast<double>(width);
      const std::int64_t block = std::min(static_cast<std::int64_t>(share), width - 1);
      std::vector<EsperSpan>& own = (*spans)[static_cast<std::size_t>(block)];
      if (block == last) {
        own.back().end = end;
      } else {
        own.push_back({begin, end, static_cast<std::int32_t>(g), group.slots++});
        last = block;
      }
    }
    before += cost * static_cast<double>(units);
  }
}

// Scratch memory bounds the number of blocks for the groups that need it.
List make_list(const Setting& setting, std::vector<EsperGroup> groups, bool backward, std::int32_t blocks,
               std::int64_t scratch_stride) {
  Spans spans(static_cast<std::size_t>(blocks));
  const std::int64_t fitting = scratch_stride > 0 ? std::max<std::int64_t>(kScratchBudget / scratch_stride, 1) : blocks;
  divide(setting, false, backward, blocks, &groups, &spans);
  divide(setting, true, backward, std::min<std::int64_t>(blocks, fitting), &groups, &spans);
  List list;
  list.first.push_back(0);
  std::int64_t partial = 0;
  for (EsperGroup& group : groups) {
    group.partial = partial;
    partial += group.partial_bytes * group.slots;
  }
  for (const std::vector<EsperSpan>& own : spans) {
    list.spans.insert(list.spans.end(), own.begin(), own.end());
    list.first.push_back(static_cast<std::int32_t>(list.spans.size()));
  }
  list.groups = std::move(groups);
  return list;
}

std::int64_t partial_bytes(const List& list) noexcept {
  if (list.groups.empty()) {
    return 0;
  }
  const EsperGroup& last = list.groups.back();
  return last.partial + last.partial_bytes * last.slots;
}

// Groups flagged ORDERED, in the order of their seeds.
std::vector<std::int32_t> ordered_groups(const Direction& direction) {
  std::vector<std::int32_t> ordered;
  for (std::size_t g = 0; g < direction.groups.size(); ++g) {
    if ((direction.groups[g].flags & ESPER_CUDA_ORDERED) != 0) {
      ordered.push_back(static_cast<std::int32_t>(g));
    }
  }
  const auto index = [&](std::int32_t g) {
    const EsperGroup& group = direction.groups[static_cast<std::size_t>(g)];
    return direction.seeds[static_cast<std::size_t>(group.first_seed)].index;
  };
  std::sort(ordered.begin(), ordered.end(), [&](std::int32_t a, std::int32_t b) { return index(a) < index(b); });
  return ordered;
}

}  // namespace

Tables make_tables(const layout::Lattice& lattice, const Setting& setting, Grid grid, std::int64_t scratch_stride) {
  Tables tables;
  std::vector<bool> idle(lattice.seeds().size(), true);
  for (const bool backward : {false, true}) {
    Direction direction = make_direction(lattice, setting, backward);
    tables.scratch = std::max(tables.scratch, direction.scratch);
    tables.active = tables.active || (!backward && !direction.groups.empty());
    for (const bool apart : {false, true}) {
      std::vector<EsperGroup> groups = direction.groups;
      if (apart && setting.rows > 0) {
        add_copies(lattice.channels(), setting, &groups);
      }
      const std::int32_t which = (backward ? ESPER_CUDA_BACKWARD_IN_PLACE : 0) + (apart ? 1 : 0);
      List list =
          make_list(setting, std::move(groups), backward, backward ? grid.backward : grid.forward, scratch_stride);
      tables.partials = std::max(tables.partials, partial_bytes(list));
      tables.lists[which] = std::move(list);
    }
    if (backward) {
      for (const EsperSeed& seed : direction.seeds) {
        idle[static_cast<std::size_t>(seed.index)] = false;
      }
      tables.ordered = ordered_groups(direction);
    }
    tables.seeds[backward ? 1 : 0] = std::move(direction.seeds);
  }
  for (std::size_t i = 0; i < idle.size(); ++i) {
    if (idle[i]) {
      tables.idle.push_back(static_cast<std::int32_t>(i));
    }
  }
  return tables;
}

}  // namespace esper::cuda
