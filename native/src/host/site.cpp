#include "site.h"

#include <cmath>

#include "error.h"
#include "snapshot.h"

namespace esper::host {
namespace {

std::vector<esper_lattice_seed> attached_descriptions(const std::vector<SeedSlot>& seeds) {
  std::vector<esper_lattice_seed> list;
  for (const SeedSlot& seed : seeds) {
    if (seed.attached) list.push_back(seed.desc);
  }
  return list;
}

int64_t blend_parameters(const esper_lattice_seed& desc) {
  if (desc.blend == ESPER_BLEND_CHANNEL) return desc.channel_count;
  if (desc.blend == ESPER_BLEND_GATED) return desc.channel_count + 1;
  return 0;
}

// `old` laid out for `from`, laid out anew for `to`; zero where a seed was not in `from`.
at::Tensor repack(const at::Tensor& old, const std::vector<SeedSlot>& from, const std::vector<SeedSlot>& to,
                  int64_t total) {
  const at::NoGradGuard nothing_recorded;
  at::Tensor packed = at::zeros({total}, old.options());
  for (size_t i = 0; i < to.size(); ++i) {
    if (!to[i].attached || !from[i].attached) continue;
    packed.narrow(0, to[i].desc.parameter_offset, to[i].count)
        .copy_(old.narrow(0, from[i].desc.parameter_offset, to[i].count));
  }
  return packed;
}

}  // namespace

SiteSpec read_site(NodeReader& reader) {
  reader.expect(1, 1);
  const Value& x = reader.input(0);
  if (x.dtype != ESPER_HOST_FLOAT32) {
    invalid(reader.place(), ": input '", x.name, "' is ", dtype_name(x.dtype), ", expected float32");
  }
  for (const char* name : {"site", "layout", "channels", "seeds"}) {
    if (!reader.has(name)) invalid(reader.place(), ": attribute '", name, "' is missing");
  }
  SiteSpec spec;
  spec.site = reader.integer("site", 0);
  const int64_t layout = reader.integer("layout", 0);
  const int64_t channels = reader.integer("channels", 0);
  const int64_t seeds = reader.integer("seeds", 0);
  if (layout != ESPER_LAYOUT_NCHW && layout != ESPER_LAYOUT_TOKENS) {
    invalid(reader.place(), ": attribute 'layout' is ", layout, ", expected 0 (NCHW) or 1 (tokens)");
  }
  if (channels < 1 || channels > INT32_MAX) invalid(reader.place(), ": attribute 'channels' is ", channels);
  if (seeds < 1 || seeds > channels) {
    invalid(reader.place(), ": attribute 'seeds' is ", seeds, ", expected 1 to channels (", channels, ")");
  }
  spec.layout = static_cast<int32_t>(layout);
  spec.channels = static_cast<int32_t>(channels);
  spec.seeds = static_cast<int32_t>(seeds);
  const std::string producer = reader.string("producer", "");
  spec.producer_axis = reader.integer("producer_axis", 0);
  if (producer.empty()) return spec;
  for (int32_t parameter : reader.graph().parameters) {
    const Value& value = reader.graph().values[static_cast<size_t>(parameter)];
    if (value.name != producer) continue;
    const auto rank = static_cast<int64_t>(value.dims->size());
    if (spec.producer_axis < 0 || spec.producer_axis >= rank ||
        (*value.dims)[static_cast<size_t>(spec.producer_axis)] != channels) {
      invalid(reader.place(), ": axis ", spec.producer_axis, " of producer '", producer, "' ", shape_text(*value.dims),
              " does not have the site's ", channels, " channels");
    }
    spec.producer = parameter;
    return spec;
  }
  invalid(reader.place(), ": producer '", producer, "' is no parameter of the graph");
}

Site::Site(const SiteSpec& spec, std::string place, const Device& device, esper_context* context)
    : spec_(spec),
      place_(std::move(place)),
      device_(&device),
      context_(context),
      seeds_(static_cast<size_t>(spec.seeds)) {
  esper_lattice* lattice = nullptr;
  check_esper(esper_lattice_create(spec_.channels, nullptr, 0, &lattice), place_);
  lattice_.reset(lattice);
  for (int32_t i = 0; i < spec_.seeds; ++i) {
    esper_lattice_seed& desc = seeds_[static_cast<size_t>(i)].desc;
    desc.struct_size = sizeof(desc);
    check_esper(esper_chunk(spec_.channels, spec_.seeds, i, &desc.channel_begin, &desc.channel_count), place_);
  }
  arena_ = at::zeros({0}, device.options(at::kFloat)).requires_grad_(true);
  moments.steps.assign(static_cast<size_t>(spec_.seeds), 0);
}

bool Site::learns(const SeedSlot& seed) {
  const int32_t stage = seed.desc.stage;
  const bool active = stage == ESPER_STAGE_TRAINING || stage == ESPER_STAGE_BLENDING || stage == ESPER_STAGE_HOLDING ||
                      stage == ESPER_STAGE_FOSSILIZED;
  return seed.attached && active && (seed.desc.flags & ESPER_SEED_FROZEN) == 0;
}

void Site::check_seed(int32_t seed) const {
  if (seed < 0 || seed >= spec_.seeds) {
    invalid("site ", spec_.site, ": seed ", seed, " is outside [0, ", spec_.seeds, ")");
  }
}

SeedSlot& Site::attached(int32_t seed) {
  check_seed(seed);
  SeedSlot& slot = seeds_[static_cast<size_t>(seed)];
  if (!slot.attached) invalid("site ", spec_.site, ": seed ", seed, " has no module; germinate it first");
  return slot;
}

esper_lattice_seed Site::complete(int32_t seed, const esper_lattice_seed& desc) const {
  if (desc.struct_size < sizeof(desc)) {
    invalid("site ", spec_.site, ": seed description: struct_size is ", desc.struct_size, ", expected ", sizeof(desc));
  }
  if (!(desc.learning_rate_scale >= 0.0F) || !std::isfinite(desc.learning_rate_scale)) {
    invalid("site ", spec_.site, ": seed ", seed, ": learning_rate_scale is ", desc.learning_rate_scale,
            ", expected a finite value >= 0");
  }
  const esper_lattice_seed& current = seeds_[static_cast<size_t>(seed)].desc;
  esper_lattice_seed full = desc;
  full.struct_size = sizeof(full);
  full.channel_begin = current.channel_begin;
  full.channel_count = current.channel_count;
  full.parameter_offset = current.parameter_offset;
  return full;
}

void Site::rebuild(std::vector<SeedSlot> seeds, int32_t newcomer, const float* parameters) {
  int64_t total = 0;
  for (SeedSlot& seed : seeds) {
    if (!seed.attached) continue;
    seed.desc.parameter_offset = total;
    total += seed.count;
  }
  at::Tensor arena = repack(arena_, seeds_, seeds, total);
  if (newcomer >= 0) {
    const SeedSlot& seed = seeds[static_cast<size_t>(newcomer)];
    write_tensor(arena.narrow(0, seed.desc.parameter_offset, seed.count), parameters);
  }
  Moments kept;
  if (moments.first.defined()) kept.first = repack(moments.first, seeds_, seeds, total);
  if (moments.second.defined()) kept.second = repack(moments.second, seeds_, seeds, total);
  kept.steps = moments.steps;
  arena.requires_grad_(true);
  const std::vector<esper_lattice_seed> list = attached_descriptions(seeds);
  check_esper(esper_lattice_update(lattice_.get(), list.data(), static_cast<int32_t>(list.size())),
              text("site ", spec_.site));
  seeds_.swap(seeds);
  arena_ = std::move(arena);
  moments = std::move(kept);
  refresh();
}

void Site::refresh() {
  int32_t blended = 0;
  int32_t learning = 0;
  check_esper(esper_lattice_query(lattice_.get(), &blended, &learning), place_);
  blended_ = blended != 0;
  learning_ = learning != 0;
  ++version_;
}

void Site::germinate(int32_t seed, const esper_lattice_seed& desc, const float* parameters, int64_t count) {
  check_seed(seed);
  if (seeds_[static_cast<size_t>(seed)].attached) {
    invalid("site ", spec_.site, ": seed ", seed, " already has a module; release it first");
  }
  std::vector<SeedSlot> seeds = seeds_;
  SeedSlot& slot = seeds[static_cast<size_t>(seed)];
  slot.attached = true;
  slot.desc = complete(seed, desc);
  check_esper(esper_parameter_count(&slot.desc, &slot.count), text("site ", spec_.site, ": seed ", seed));
  slot.module_count = slot.count - blend_parameters(slot.desc);
  if (count != slot.count) {
    invalid("site ", spec_.site, ": seed ", seed, " needs ", slot.count, " parameters, got ", count);
  }
  if (parameters == nullptr && count > 0) invalid("site ", spec_.site, ": seed ", seed, ": parameters is NULL");
  rebuild(std::move(seeds), seed, parameters);
  moments.steps[static_cast<size_t>(seed)] = 0;
}

void Site::update(int32_t seed, const esper_lattice_seed& desc) {
  SeedSlot& slot = attached(seed);
  const esper_lattice_seed full = complete(seed, desc);
  const esper_lattice_seed old = slot.desc;
  if (full.family != old.family || full.activation != old.activation || full.rank != old.rank ||
      full.kernel != old.kernel || full.blend != old.blend) {
    invalid("site ", spec_.site, ": seed ", seed,
            ": family, activation, rank, kernel and blend are fixed at germination; release the seed to change them");
  }
  slot.desc = full;
  try {
    const std::vector<esper_lattice_seed> list = attached_descriptions(seeds_);
    check_esper(esper_lattice_update(lattice_.get(), list.data(), static_cast<int32_t>(list.size())),
                text("site ", spec_.site, ": seed ", seed));
    refresh();
  } catch (...) {
    slot.desc = old;
    throw;
  }
}

void Site::release(int32_t seed) {
  attached(seed);
  std::vector<SeedSlot> seeds = seeds_;
  SeedSlot& slot = seeds[static_cast<size_t>(seed)];
  const esper_lattice_seed old = slot.desc;
  slot = SeedSlot{};
  slot.desc.struct_size = sizeof(slot.desc);
  slot.desc.channel_begin = old.channel_begin;
  slot.desc.channel_count = old.channel_count;
  rebuild(std::move(seeds), -1, nullptr);
  moments.steps[static_cast<size_t>(seed)] = 0;
}

SiteImage Site::image() const {
  return {seeds_, share(arena_), share(moments), telemetry};
}

LatticeHandle Site::lattice_of(const SiteImage& image) const {
  const std::vector<esper_lattice_seed> list = attached_descriptions(image.seeds);
  esper_lattice* lattice = nullptr;
  check_esper(esper_lattice_create(spec_.channels, list.data(), static_cast<int32_t>(list.size()), &lattice), place_);
  return LatticeHandle(lattice);
}

void Site::restore(SiteImage image, LatticeHandle lattice) {
  seeds_ = std::move(image.seeds);
  arena_ = std::move(image.arena);
  arena_.requires_grad_(true);
  moments = std::move(image.moments);
  telemetry = std::move(image.telemetry);
  sums.clear();
  device_sums.reset();
  lattice_ = std::move(lattice);
  refresh();
}

}  // namespace esper::host
