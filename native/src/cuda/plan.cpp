#include "cuda/plan.hpp"

#include <algorithm>
#include <cstring>
#include <string>

#include "abi/error.hpp"
#include "cuda/placement.hpp"
#include "cuda/work_list.hpp"

namespace esper::cuda {
namespace {

// Numbers that the kernels write out.
static_assert(ESPER_FAMILY_DEPTHWISE == 4 && ESPER_LAYOUT_TOKENS == 1 && ESPER_CUDA_SUM_COUNT == 6,
              "host and device disagree on an enumeration");
static_assert(ESPER_ACTIVATION_RELU == 0 && ESPER_ACTIVATION_GELU == 1 && ESPER_ACTIVATION_SILU == 2 &&
                  ESPER_ACTIVATION_TANH == 3 && ESPER_ACTIVATION_SIGMOID == 4,
              "host and device disagree on the activations");

constexpr std::int64_t kIndexLimit = std::int64_t{1} << 28;

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
    // Panels hold at least 32 positions of a seed's channels several times over, which counts as a rank of 16.
    const std::int64_t matrix = c * (depthwise ? std::max(c, std::int64_t{49}) : std::max(seed.rank, 16));
    if (matrix >= kIndexLimit || (depthwise && c * setting.positions >= kIndexLimit)) {
      throw unsupported("seeds[" + std::to_string(i) + "] covers " + std::to_string(c) + " channels with rank " +
                        std::to_string(seed.rank) + " over " + std::to_string(setting.positions) +
                        " positions, more than the CUDA kernels index; split it into smaller chunks");
    }
  }
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
    while (first < last &&
           (entries[last].end - entries[first].begin > kGroupChannels || last - first >= ESPER_CUDA_GROUP_SEEDS)) {
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
  Tables tables = make_tables(lattice, make_setting(shape_, dtype_), grid_, scratch_stride_);
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
    throw unsupported(
        "the lattice's seeds need more device memory than was reserved for those it was created with; "
        "create a new device lattice");
  }
  std::copy(image.begin(), image.end(), image_.begin());
  std::fill(image_.begin() + static_cast<std::ptrdiff_t>(image.size()), image_.end(), static_cast<unsigned char>(0));
  idle_in_place_ = idle;
}

}  // namespace esper::cuda
