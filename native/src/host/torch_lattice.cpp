#include "torch_lattice.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <iomanip>

#include "error.h"

namespace esper::host {
namespace {

constexpr int64_t kStateFormat = 1;
constexpr size_t kStateIntegers = 8;  // Of a seed.
constexpr size_t kStateReals = 8;
constexpr std::array<const char*, 2> kLayouts = {"nchw", "tokens"};
constexpr std::array<const char*, 5> kFamilies = {"affine", "lowrank", "bottleneck", "gate", "depthwise"};
constexpr std::array<const char*, 5> kActivations = {"relu", "gelu", "silu", "tanh", "sigmoid"};
constexpr std::array<const char*, 5> kBlends = {"convex", "residual", "channel", "gated", "confidence"};

// Position of name in names; an error lists them.
template <class Names>
int32_t named(const Names& names, const char* what, const std::string& name) {
  const auto found = std::find(names.begin(), names.end(), name);
  if (found != names.end()) return static_cast<int32_t>(found - names.begin());
  std::string list;
  for (const auto& known : names) list += text(list.empty() ? "" : ", ", known);
  invalid("Lattice: ", what, " is '", name, "', expected one of ", list);
}

std::vector<std::string> stage_names() {
  std::vector<std::string> names;
  for (int32_t stage = 0; stage < ESPER_STAGE_COUNT; ++stage) names.emplace_back(esper_stage_name(stage));
  return names;
}

int32_t narrow(const char* what, int64_t value) {
  if (value < 0 || value > INT32_MAX) invalid("Lattice: ", what, " is ", value, ", expected 0 to ", INT32_MAX);
  return static_cast<int32_t>(value);
}

std::string family_text(const esper_lattice_seed& desc) {
  std::string result = kFamilies[static_cast<size_t>(desc.family)];
  if (desc.rank > 0) result += text('-', desc.rank);
  if (desc.kernel > 0) result += text('-', desc.kernel, 'x', desc.kernel);
  if (desc.family >= ESPER_FAMILY_BOTTLENECK) {
    result += text('-', kActivations[static_cast<size_t>(desc.activation)]);
  }
  return result;
}

std::string range_text(int64_t begin, int64_t count) {
  return text('[', begin, ", ", begin + count, ')');
}

}  // namespace

TorchLattice::TorchLattice(int64_t channels, int64_t seeds, const std::string& layout)
    : layout_(named(kLayouts, "layout", layout)), channels_(narrow("channels", channels)), seeds_(seeds) {
  if (seeds < 1 || seeds > channels) {
    invalid("Lattice: seeds is ", seeds, ", expected 1 to channels (", channels, ")");
  }
  Content content;
  content.slots.resize(static_cast<size_t>(seeds));
  for (int32_t i = 0; i < seeds; ++i) {
    esper_lattice_seed& desc = content.slots[static_cast<size_t>(i)].desc;
    desc.struct_size = sizeof(desc);
    desc.confidence_hi = 1.0F;
    desc.learning_rate_scale = 1.0F;
    check_esper(esper_chunk(channels_, static_cast<int32_t>(seeds), i, &desc.channel_begin, &desc.channel_count),
                "Lattice");
  }
  commit(std::move(content), "Lattice");
}

size_t TorchLattice::checked(int64_t seed) const {
  if (seed < 0 || seed >= seeds()) invalid("Lattice: seed ", seed, " is outside [0, ", seeds(), ")");
  return static_cast<size_t>(seed);
}

TorchLattice::Slot& TorchLattice::attached(Content& content, int64_t seed) const {
  Slot& slot = content.slots[checked(seed)];
  if (!slot.attached()) invalid("Lattice: seed ", seed, " has no module; germinate it first");
  return slot;
}

void TorchLattice::check_arena(const at::Tensor& theta) const {
  if (theta.dim() != 1 || !(theta.is_cpu() || theta.is_cuda()) ||
      (theta.scalar_type() != at::kFloat && theta.scalar_type() != at::kDouble)) {
    invalid(
        "Lattice: theta is ", theta.toString(), " with ", theta.dim(),
        " dimensions, expected a CPU or CUDA tensor with one dimension, float32 or float64 (torch.empty(0) at first)");
  }
  if (theta.numel() != snapshot_->parameters()) {
    invalid("Lattice: theta has ", theta.numel(), " elements, the attached seeds have ", snapshot_->parameters(),
            "; pass what germinate or release returned last");
  }
}

void TorchLattice::commit(Content content, const std::string& place) {
  int64_t total = 0;
  std::vector<esper_lattice_seed> list;
  for (const int32_t number : content.order) {
    Slot& slot = content.slots[static_cast<size_t>(number)];
    slot.desc.parameter_offset = total;
    total += slot.count;
    list.push_back(slot.desc);
  }
  snapshot_ = c10::make_intrusive<LatticeSnapshot>(layout_, channels_, std::move(list), content.order, total, place);
  slots_.swap(content.slots);
  order_.swap(content.order);
}

template <class Change>
void TorchLattice::change(int64_t seed, const Change& apply) {
  const std::lock_guard<std::mutex> lock(mutex_);
  Content next = content();
  apply(attached(next, seed).desc);
  commit(std::move(next), text("Lattice: seed ", seed));
}

at::Tensor TorchLattice::germinate(const at::Tensor& theta, int64_t seed, const std::string& family, int64_t rank,
                                   const std::string& activation, const std::string& blend, int64_t key,
                                   int64_t kernel) {
  const std::lock_guard<std::mutex> lock(mutex_);
  check_arena(theta);
  Content next = content();
  Slot& slot = next.slots[checked(seed)];
  if (slot.attached()) invalid("Lattice: seed ", seed, " has a module already; release it first");
  slot.desc.stage = ESPER_STAGE_GERMINATED;
  slot.desc.family = named(kFamilies, "family", family);
  slot.desc.rank = narrow("rank", rank);
  slot.desc.activation = named(kActivations, "activation", activation);
  slot.desc.blend = named(kBlends, "blend", blend);
  slot.desc.kernel = narrow("kernel", kernel);
  const std::string place = text("Lattice: seed ", seed);
  check_esper(esper_parameter_count(&slot.desc, &slot.count), place);
  const at::Tensor initial = at::empty({slot.count}, at::TensorOptions().dtype(at::kFloat));
  check_esper(esper_parameter_init(&slot.desc, static_cast<uint64_t>(key), initial.data_ptr<float>()), place);
  at::Tensor grown = at::cat({theta.detach(), initial.to(theta.options())});
  next.order.push_back(static_cast<int32_t>(seed));
  commit(std::move(next), place);
  return grown;
}

at::Tensor TorchLattice::release(const at::Tensor& theta, int64_t seed) {
  const std::lock_guard<std::mutex> lock(mutex_);
  check_arena(theta);
  Content next = content();
  Slot& slot = attached(next, seed);
  const int32_t stage = slot.desc.stage;
  if (stage != ESPER_STAGE_CULLED && stage != ESPER_STAGE_EMBARGOED && stage != ESPER_STAGE_RESETTING) {
    invalid("Lattice: seed ", seed, " is ", esper_stage_name(stage),
            "; only a culled seed can be released (set_stage(seed, \"Culled\") first)");
  }
  const int64_t begin = slot.desc.parameter_offset;
  const int64_t end = begin + slot.count;
  const at::Tensor values = theta.detach();
  at::Tensor shrunk = at::cat({values.slice(0, 0, begin), values.slice(0, end)});
  esper_lattice_seed empty{};
  empty.struct_size = sizeof(empty);
  empty.channel_begin = slot.desc.channel_begin;
  empty.channel_count = slot.desc.channel_count;
  empty.confidence_hi = 1.0F;
  empty.learning_rate_scale = 1.0F;
  slot = Slot{empty, 0};
  next.order.erase(std::find(next.order.begin(), next.order.end(), static_cast<int32_t>(seed)));
  commit(std::move(next), text("Lattice: seed ", seed));
  return shrunk;
}

void TorchLattice::set_stage(int64_t seed, const std::string& stage) {
  const int32_t to = named(stage_names(), "stage", stage);
  if (to == ESPER_STAGE_DORMANT) {
    invalid("Lattice: a seed becomes Dormant by release(theta, seed), which takes its parameters out of theta");
  }
  change(seed, [&](esper_lattice_seed& desc) {
    if (esper_transition_allowed(desc.stage, to) == 0) {
      throw Error(ESPER_ERROR_ILLEGAL_TRANSITION,
                  text("Lattice: seed ", seed, " cannot go from ", esper_stage_name(desc.stage), " to ", stage));
    }
    desc.stage = to;
  });
}

void TorchLattice::set_alpha(int64_t seed, double alpha) {
  change(seed, [&](esper_lattice_seed& desc) { desc.alpha = static_cast<float>(alpha); });
}

void TorchLattice::set_kappa(int64_t seed, double kappa) {
  change(seed, [&](esper_lattice_seed& desc) { desc.kappa = static_cast<float>(kappa); });
}

void TorchLattice::set_confidence(int64_t seed, double k, double tau, double lo, double hi) {
  change(seed, [&](esper_lattice_seed& desc) {
    desc.confidence_k = static_cast<float>(k);
    desc.confidence_tau = static_cast<float>(tau);
    desc.confidence_lo = static_cast<float>(lo);
    desc.confidence_hi = static_cast<float>(hi);
  });
}

void TorchLattice::set_margin(int64_t seed, double margin) {
  change(seed, [&](esper_lattice_seed& desc) { desc.margin = static_cast<float>(margin); });
}

void TorchLattice::freeze(int64_t seed, bool frozen) {
  change(seed, [&](esper_lattice_seed& desc) {
    desc.flags = frozen ? desc.flags | ESPER_SEED_FROZEN : desc.flags & ~static_cast<uint32_t>(ESPER_SEED_FROZEN);
  });
}

std::string TorchLattice::layout() const {
  return kLayouts[static_cast<size_t>(layout_)];
}

std::vector<std::string> TorchLattice::stages() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  std::vector<std::string> names;
  for (const Slot& slot : slots_) names.emplace_back(esper_stage_name(slot.desc.stage));
  return names;
}

std::vector<double> TorchLattice::alphas() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  std::vector<double> values;
  for (const Slot& slot : slots_) values.push_back(slot.desc.alpha);
  return values;
}

int64_t TorchLattice::parameter_count() const {
  return snapshot()->parameters();
}

std::tuple<int64_t, int64_t> TorchLattice::parameter_range(int64_t seed) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  const Slot& slot = slots_[checked(seed)];
  const int64_t begin = slot.attached() ? slot.desc.parameter_offset : 0;
  return {begin, begin + slot.count};
}

std::tuple<int64_t, int64_t> TorchLattice::channel_range(int64_t seed) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  const esper_lattice_seed& desc = slots_[checked(seed)].desc;
  return {desc.channel_begin, int64_t{desc.channel_begin} + desc.channel_count};
}

std::string TorchLattice::describe() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  std::ostringstream out;
  out << "Lattice of " << channels_ << " channels (" << layout() << "), " << seeds_ << " seeds, "
      << snapshot_->parameters() << " parameters\n"
      << "seed  channels    stage       module                blend       alpha   theta\n"
      << std::left << std::fixed << std::setprecision(3);
  for (size_t i = 0; i < slots_.size(); ++i) {
    const esper_lattice_seed& desc = slots_[i].desc;
    out << std::right << std::setw(4) << i << "  " << std::left << std::setw(12)
        << range_text(desc.channel_begin, desc.channel_count);
    if (!slots_[i].attached()) {
      out << esper_stage_name(desc.stage) << '\n';
      continue;
    }
    out << std::setw(12) << esper_stage_name(desc.stage) << std::setw(22) << family_text(desc) << std::setw(12)
        << kBlends[static_cast<size_t>(desc.blend)] << std::setw(8) << desc.alpha
        << range_text(desc.parameter_offset, slots_[i].count)
        << ((desc.flags & ESPER_SEED_FROZEN) != 0 ? "  frozen" : "") << '\n';
  }
  return out.str();
}

c10::intrusive_ptr<LatticeSnapshot> TorchLattice::snapshot() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return snapshot_;
}

TorchLattice::State TorchLattice::state() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  std::vector<std::vector<int64_t>> integers{{kStateFormat, channels_, seeds_}};
  std::vector<std::vector<double>> reals;
  for (const int32_t number : order_) {
    const esper_lattice_seed& desc = slots_[static_cast<size_t>(number)].desc;
    integers.push_back(
        {number, desc.stage, desc.family, desc.activation, desc.rank, desc.blend, desc.flags, desc.kernel});
    reals.push_back({desc.alpha, desc.kappa, desc.confidence_k, desc.confidence_tau, desc.confidence_lo,
                     desc.confidence_hi, desc.margin, desc.learning_rate_scale});
  }
  return {layout(), std::move(integers), std::move(reals)};
}

namespace {

// One seed's description from what state() wrote of it.
void read_seed(const std::vector<int64_t>& integers, const std::vector<double>& reals, esper_lattice_seed& desc) {
  if (integers.size() != kStateIntegers || reals.size() != kStateReals) invalid("Lattice: the saved state is damaged");
  const auto integer = [&](size_t field) { return narrow("a saved number", integers[field]); };
  const auto real = [&](size_t field) { return static_cast<float>(reals[field]); };
  desc.stage = integer(1);
  desc.family = integer(2);
  desc.activation = integer(3);
  desc.rank = integer(4);
  desc.blend = integer(5);
  desc.flags = static_cast<uint32_t>(integer(6));
  desc.kernel = integer(7);
  desc.alpha = real(0);
  desc.kappa = real(1);
  desc.confidence_k = real(2);
  desc.confidence_tau = real(3);
  desc.confidence_lo = real(4);
  desc.confidence_hi = real(5);
  desc.margin = real(6);
  desc.learning_rate_scale = real(7);
}

}  // namespace

c10::intrusive_ptr<TorchLattice> TorchLattice::restore(const State& state) {
  const auto& [layout, integers, reals] = state;
  if (integers.empty() || integers[0].size() != 3 || integers.size() != reals.size() + 1) {
    invalid("Lattice: the saved state is damaged");
  }
  if (integers[0][0] != kStateFormat) {
    invalid("Lattice: saved in format ", integers[0][0], ", this library reads ", kStateFormat,
            "; update libesper_host");
  }
  auto lattice = c10::make_intrusive<TorchLattice>(integers[0][1], integers[0][2], layout);
  Content next = lattice->content();
  for (size_t i = 0; i < reals.size(); ++i) {
    const std::vector<int64_t>& numbers = integers[i + 1];
    const int64_t seed = numbers.empty() ? -1 : numbers[0];
    Slot& slot = next.slots[lattice->checked(seed)];
    if (slot.attached()) invalid("Lattice: the saved state has seed ", seed, " twice");
    read_seed(numbers, reals[i], slot.desc);
    if (!slot.attached()) invalid("Lattice: the saved state has a module in the Dormant seed ", seed);
    check_esper(esper_parameter_count(&slot.desc, &slot.count), "Lattice: saved state");
    next.order.push_back(static_cast<int32_t>(seed));
  }
  lattice->commit(std::move(next), "Lattice: saved state");
  return lattice;
}

}  // namespace esper::host
