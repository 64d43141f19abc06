#include "cuda/plan.hpp"

#include <algorithm>
#include <cstring>
#include <string>

#include "abi/error.hpp"
#include "cuda/placement.hpp"
#include "layout/blueprint.hpp"
#include "layout/lifecycle.hpp"

namespace esper::cuda {
namespace {

static_assert(sizeof(EsperHeader) % 8 == 0 && sizeof(EsperSeed) % 8 == 0, "host and device disagree on padding");
static_assert(sizeof(EsperGroup) % 8 == 0 && sizeof(EsperSpan) == 24, "host and device disagree on padding");
static_assert(sizeof(EsperLatticeArguments) == 72, "host and device disagree on padding");

constexpr std::int64_t kIndexLimit = std::int64_t{1} << 28;
constexpr std::int64_t kCopyElements = 16384;  // Elements of a copy unit, about.

std::int64_t align(std::int64_t value, std::int64_t unit) noexcept {
  return (value + unit - 1) / unit * unit;
}

Setting make_setting(const esper_shape& shape, std::int32_t dtype) noexcept {
  return {shape.batch * shape.positions, shape.batch, shape.positions, dtype == ESPER_DTYPE_FLOAT32 ? 4 : 2,
          shape.layout == ESPER_LAYOUT_TOKENS};
}

Error unsupported(const std::string& message) {
  return {ESPER_ERROR_UNSUPPORTED, message};
}

void check_limits(const layout::Lattice& lattice, const Setting& setting) {
  for (std::size_t i = 0; i < lattice.seeds().size(); ++i) {
    const esper_lattice_seed& seed = lattice.seeds()[i];
    const std::int64_t c = seed.channel_count;
    const bool depthwise = seed.family == ESPER_FAMILY_DEPTHWISE;
    const std::int64_t matrix = c * (depthwise ? std::max(c, std::int64_t{49}) : std::max(seed.rank, 1));
    if (matrix >= kIndexLimit || (depthwise && c * setting.positions >= kIndexLimit)) {
      throw unsupported("seeds[" + std::to_string(i) + "] covers " + std::to_string(c) + " channels with rank " +
                        std::to_string(seed.rank) + " over " + std::to_string(setting.positions) +
                        " positions, more than the CUDA kernels index; split it into smaller chunks");
    }
  }
}

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

// A list of work: groups, and every block's spans.
struct List {
  std::vector<EsperGroup> groups;
  std::vector<EsperSpan> spans;
  std::vector<std::int32_t> first;
};

// Divides the groups' units among blocks, each getting contiguous runs of about equal cost. Partial results bound the
// number of runs of a group; scratch memory bounds the number of blocks for the groups that need it.
List make_list(const Setting& setting, std::vector<EsperGroup> groups, bool backward, std::int32_t blocks,
               const std::vector<std::int64_t>& scratch, std::int64_t scratch_stride) {
  std::vector<std::vector<EsperSpan>> spans(static_cast<std::size_t>(blocks));
  const std::int64_t fitting = scratch_stride > 0 ? std::max<std::int64_t>(kScratchBudget / scratch_stride, 1) : blocks;
  for (const bool bounded : {false, true}) {
    const std::int64_t width = bounded ? std::min<std::int64_t>(blocks, fitting) : blocks;
    double total = 0.0;
    for (std::size_t g = 0; g < groups.size(); ++g) {
      if ((scratch[g] > 0) == bounded) {
        total += static_cast<double>(unit_count(setting, groups[g])) *
                 static_cast<double>(unit_cost(setting, groups[g], backward));
      }
    }
    double before = 0.0;
    for (std::size_t g = 0; g < groups.size(); ++g) {
      EsperGroup& group = groups[g];
      if ((scratch[g] > 0) != bounded) {
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
        const auto share = static_cast<std::int64_t>((before + cost * static_cast<double>(begin)) / total *
                                                     static_cast<double>(width));
        const std::int64_t block = std::min(share, width - 1);
        if (block == last) {
          spans[static_cast<std::size_t>(block)].back().end = end;
        } else {
          spans[static_cast<std::size_t>(block)].push_back({begin, end, static_cast<std::int32_t>(g), group.slots++});
          last = block;
        }
      }
      before += cost * static_cast<double>(units);
    }
  }
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
  return list.groups.empty() ? 0 : list.groups.back().partial + list.groups.back().partial_bytes * list.groups.back().slots;
}

// All of a table before it becomes one image.
struct Tables {
  EsperHeader header{};
  std::vector<EsperSeed> seeds[2];
  List lists[ESPER_CUDA_LISTS];
  std::vector<std::int32_t> idle;
  std::vector<std::int32_t> ordered;
  std::int64_t scratch = 0;
  std::int64_t partials = 0;
  bool active = false;
};

Tables make_tables(const layout::Lattice& lattice, const esper_shape& shape, std::int32_t dtype, Grid grid,
                   std::int64_t scratch_stride) {
  const Setting setting = make_setting(shape, dtype);
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
      std::vector<std::int64_t> scratch;
      for (const EsperGroup& group : groups) {
        constexpr std::int32_t kApart = ESPER_CUDA_PANELS_APART | ESPER_CUDA_WEIGHTS_APART | ESPER_CUDA_SUMS_APART;
        const bool needs = (group.flags & kApart) != 0 || group.kind == ESPER_CUDA_DEPTHWISE;
        scratch.push_back(needs ? 1 : 0);
      }
      const std::int32_t which = (backward ? ESPER_CUDA_BACKWARD_IN_PLACE : 0) + (apart ? 1 : 0);
      List list = make_list(setting, std::move(groups), backward, backward ? grid.backward : grid.forward, scratch,
                            scratch_stride);
      tables.partials = std::max(tables.partials, partial_bytes(list));
      tables.lists[which] = std::move(list);
    }
    if (backward) {
      for (const EsperSeed& seed : direction.seeds) {
        idle[static_cast<std::size_t>(seed.index)] = false;
      }
      for (std::size_t g = 0; g < direction.groups.size(); ++g) {
        if ((direction.groups[g].flags & ESPER_CUDA_ORDERED) != 0) {
          tables.ordered.push_back(static_cast<std::int32_t>(g));
        }
      }
      std::sort(tables.ordered.begin(), tables.ordered.end(), [&](std::int32_t a, std::int32_t b) {
        const auto index = [&](std::int32_t g) {
          const EsperGroup& group = direction.groups[static_cast<std::size_t>(g)];
          return direction.seeds[static_cast<std::size_t>(group.first_seed)].index;
        };
        return index(a) < index(b);
      });
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

// Bytes of an image that has room for seed_count seeds in whatever stages.
std::int64_t image_capacity(std::int64_t seed_count, Grid grid) noexcept {
  const std::int64_t groups = 4 * seed_count + 3;
  std::int64_t bytes = align(sizeof(EsperHeader), 16) + 2 * seed_count * static_cast<std::int64_t>(sizeof(EsperSeed));
  for (const std::int32_t blocks : {grid.forward, grid.backward}) {
    bytes += 2 * groups * static_cast<std::int64_t>(sizeof(EsperGroup));
    bytes += 2 * (groups + 2 * blocks) * static_cast<std::int64_t>(sizeof(EsperSpan)) + 2 * (4 * blocks + 4 + 16);
  }
  return align(bytes + 2 * (4 * seed_count + 16) + 256, 256);
}

// Writes arrays one behind the other.
class Image {
 public:
  explicit Image(std::int64_t start) : bytes_(static_cast<std::size_t>(align(start, 16)), 0) {}

  template <typename Value>
  std::int64_t append(const std::vector<Value>& values) {
    const std::size_t at = bytes_.size();
    const std::size_t size = values.size() * sizeof(Value);
    bytes_.resize(static_cast<std::size_t>(align(static_cast<std::int64_t>(at + size), 16)), 0);
    if (size > 0) {
      std::memcpy(bytes_.data() + at, values.data(), size);
    }
    return static_cast<std::int64_t>(at);
  }
  std::vector<unsigned char>& bytes() noexcept { return bytes_; }

 private:
  std::vector<unsigned char> bytes_;
};

// Sets every offset of the header and puts all arrays behind it.
std::vector<unsigned char> write_image(Tables tables) {
  Image image(sizeof(EsperHeader));
  EsperHeader& header = tables.header;
  for (int d = 0; d < 2; ++d) {
    header.seeds[d] = image.append(tables.seeds[d]);
  }
  for (int i = 0; i < ESPER_CUDA_LISTS; ++i) {
    header.groups[i] = image.append(tables.lists[i].groups);
    header.spans[i] = image.append(tables.lists[i].spans);
    header.first[i] = image.append(tables.lists[i].first);
  }
  header.idle = image.append(tables.idle);
  header.idle_count = static_cast<std::int32_t>(tables.idle.size());
  header.ordered = image.append(tables.ordered);
  header.ordered_count = static_cast<std::int32_t>(tables.ordered.size());
  std::memcpy(image.bytes().data(), &header, sizeof header);
  return std::move(image.bytes());
}

// Most bytes of partial results that these seeds can need in any stages: a slot for every seed, and another for every
// block border (of the two divisions that make_list does), which can fall into the largest seeds or groups.
std::int64_t partials_capacity(const layout::Lattice& lattice, const Setting& setting, std::int32_t blocks) {
  struct Entry {
    std::int32_t begin;
    std::int32_t end;
    std::int64_t bytes;
  };
  std::vector<Entry> entries;
  std::int64_t total = 0;
  for (esper_lattice_seed seed : lattice.seeds()) {
    seed.stage = ESPER_STAGE_BLENDING;
    seed.alpha = 0.5F;
    std::vector<EsperSeed> one = {describe_seed(seed, 0, true)};
    std::int64_t scratch = 0;
    const std::int64_t bytes = place_group(setting, &one, 0, 1, true, &scratch).partial_bytes;
    entries.push_back({seed.channel_begin, seed.channel_begin + seed.channel_count, bytes});
    total += bytes;
  }
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) { return a.begin < b.begin; });
  std::int64_t group = 0;  // Largest sum over adjacent seeds that could be one group.
  std::int64_t sum = 0;
  for (std::size_t first = 0, last = 0; last < entries.size(); ++last) {
    sum += entries[last].bytes;
    while (first < last && (entries[last].end - entries[first].begin > kGroupChannels ||
                            last - first >= ESPER_CUDA_GROUP_SEEDS)) {
      sum -= entries[first++].bytes;
    }
    group = first < last ? std::max(group, sum) : group;
  }
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) { return a.bytes > b.bytes; });
  std::int64_t cuts = 2 * std::int64_t{blocks};
  std::int64_t extra = 0;
  for (const Entry& entry : entries) {
    const std::int64_t most = std::min(cuts, std::max<std::int64_t>(kPartialBudget / entry.bytes, 1));
    extra += most * entry.bytes;
    cuts -= most;
  }
  return align(total + extra + 2 * blocks * group, 256);
}

std::int64_t scratch_capacity(const layout::Lattice& lattice, const Setting& setting) {
  std::int64_t most = 0;
  for (const bool backward : {false, true}) {
    for (esper_lattice_seed seed : lattice.seeds()) {
      seed.stage = ESPER_STAGE_BLENDING;
      seed.alpha = 0.5F;
      std::vector<EsperSeed> one = {describe_seed(seed, 0, backward)};
      std::int64_t scratch = 0;
      place_group(setting, &one, 0, 1, backward, &scratch);
      most = std::max(most, scratch);
    }
  }
  return most;
}

}  // namespace

Plan::Plan(const layout::Lattice& lattice, const esper_shape& shape, std::int32_t dtype, Grid grid)
    : shape_(shape), dtype_(dtype), grid_(grid) {
  elements_ = lattice.check_shape(&shape);
  if (dtype < ESPER_DTYPE_FLOAT32 || dtype > ESPER_DTYPE_BFLOAT16) {
    throw invalid("dtype is " + std::to_string(dtype) + ", expected an esper_dtype (0 to 2)");
  }
  if (grid.forward < 1 || grid.backward < 1) {
    throw invalid("blocks is " + std::to_string(std::min(grid.forward, grid.backward)) + ", expected 1 or more");
  }
  const Setting setting = make_setting(shape, dtype);
  check_limits(lattice, setting);
  seed_capacity_ = static_cast<std::int64_t>(lattice.seeds().size());
  counters_bytes_ = align(4 * (seed_capacity_ + 1), 256);
  partials_bytes_ = partials_capacity(lattice, setting, grid.backward);
  scratch_stride_ = scratch_capacity(lattice, setting);
  const std::int64_t blocks = std::max(grid.forward, grid.backward);
  const std::int64_t fitting =
      scratch_stride_ > 0 ? std::max<std::int64_t>(std::min(kScratchBudget / scratch_stride_, blocks), 1) : 0;
  workspace_bytes_ = counters_bytes_ + partials_bytes_ + fitting * scratch_stride_;
  image_.resize(static_cast<std::size_t>(image_capacity(seed_capacity_, grid)), 0);
  update(lattice);
}

void Plan::update(const layout::Lattice& lattice) {
  check_limits(lattice, make_setting(shape_, dtype_));
  Tables tables = make_tables(lattice, shape_, dtype_, grid_, scratch_stride_);
  EsperHeader& header = tables.header;
  header.rows = shape_.batch * shape_.positions;
  header.batch = shape_.batch;
  header.positions = shape_.positions;
  header.width = shape_.width > 0 ? shape_.width : std::max<std::int64_t>(shape_.positions, 1);
  header.channels = lattice.channels();
  header.layout = shape_.layout;
  header.counters = 0;
  header.partials = counters_bytes_;
  header.scratch = counters_bytes_ + partials_bytes_;
  header.scratch_stride = scratch_stride_;
  header.ordered_counter = static_cast<std::int32_t>(seed_capacity_);
  const bool idle = !tables.active;
  const std::int64_t partials = tables.partials;
  const std::int64_t scratch = tables.scratch;
  const auto seeds = static_cast<std::int64_t>(lattice.seeds().size());
  const std::vector<unsigned char> image = write_image(std::move(tables));
  if (seeds > seed_capacity_ || partials > partials_bytes_ || scratch > scratch_stride_ ||
      image.size() > image_.size() || lattice.check_shape(&shape_) != elements_) {
    throw unsupported("the lattice's seeds need more device memory than was reserved for those it was created with; "
                      "create a new device lattice");
  }
  std::copy(image.begin(), image.end(), image_.begin());
  std::fill(image_.begin() + static_cast<std::ptrdiff_t>(image.size()), image_.end(), static_cast<unsigned char>(0));
  idle_in_place_ = idle;
}

}  // namespace esper::cuda
