#include "fuzz_case.hpp"

#include <algorithm>
#include <sstream>

namespace esper_fuzz {
namespace {

// SplitMix64: the standard library's distributions differ between implementations, a case number must not.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed * 0x9E3779B97F4A7C15ULL + 0x1234567ULL) {}

  uint64_t next() {
    state_ += 0x9E3779B97F4A7C15ULL;
    uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
    return z ^ (z >> 31);
  }
  // 0 to count - 1.
  int32_t below(int32_t count) { return static_cast<int32_t>(next() % static_cast<uint64_t>(count)); }
  bool chance(int32_t percent) { return below(100) < percent; }
  float uniform() { return static_cast<float>(next() >> 40) * 0x1p-24F; }
  template <typename T, std::size_t N>
  T pick(const T (&values)[N]) {
    return values[below(static_cast<int32_t>(N))];
  }
  // Mostly small, at times up to most.
  int32_t size(int32_t most) { return 1 + (chance(60) ? below(std::min(most, 9)) : below(most)); }

 private:
  uint64_t state_;
};

constexpr int64_t kMostElements = 24000;  // The oracle is slow.

esper_lattice_seed draw_seed(Random& random, int32_t begin) {
  constexpr int32_t kStages[] = {ESPER_STAGE_BLENDING, ESPER_STAGE_HOLDING,  ESPER_STAGE_FOSSILIZED,
                                 ESPER_STAGE_TRAINING, ESPER_STAGE_TRAINING, ESPER_STAGE_DORMANT};
  constexpr float kAlphas[] = {0.0F, 1e-3F, 0.25F, 0.7F, 1.0F};
  constexpr int32_t kKernels[] = {3, 5, 7};
  const int32_t family = random.below(esper_test::kFamilyCount);
  esper_lattice_seed seed =
      esper_test::make_seed(begin, random.size(40), family, random.size(33), random.below(esper_test::kBlendCount));
  seed.activation = random.below(esper_test::kActivationCount);
  seed.stage = random.pick(kStages);
  seed.alpha = random.chance(50) ? random.pick(kAlphas) : random.uniform();
  seed.kappa = random.chance(50) ? 0.0F : random.uniform();
  seed.flags = random.chance(15) ? ESPER_SEED_FROZEN : 0;
  seed.kernel = family == ESPER_FAMILY_DEPTHWISE ? random.pick(kKernels) : 0;
  seed.margin = 4.0F * random.uniform() - 2.0F;
  seed.confidence_lo = 0.3F * random.uniform();
  seed.confidence_hi = seed.confidence_lo + (1.0F - seed.confidence_lo) * random.uniform();
  return seed;
}

using Step = std::function<bool(FuzzCase&)>;  // False if it has nothing left to do.

template <typename T>
Step lower(T FuzzCase::*field, T least) {
  return [=](FuzzCase& c) {
    if (c.*field <= least) {
      return false;
    }
    c.*field = least + (c.*field - least) / 2;
    return true;
  };
}

// Moves one field of a seed towards least by halves, or to least at once.
template <typename T>
Step lower_seed(std::size_t index, T esper_lattice_seed::*field, T least, bool at_once) {
  return [=](FuzzCase& c) {
    T& value = c.seeds[index].*field;
    if (value == least || (!at_once && value < least)) {
      return false;
    }
    value = at_once ? least : static_cast<T>(least + (value - least) / 2);
    return true;
  };
}

std::vector<Step> steps_for(const FuzzCase& c) {
  std::vector<Step> steps;
  for (std::size_t i = 0; i < c.seeds.size(); ++i) {
    steps.push_back([i](FuzzCase& f) {
      f.seeds.erase(f.seeds.begin() + static_cast<std::ptrdiff_t>(i));
      return true;
    });
  }
  steps.push_back(lower(&FuzzCase::batch, int64_t{1}));
  steps.push_back(lower(&FuzzCase::height, int64_t{1}));
  steps.push_back(lower(&FuzzCase::width, int64_t{1}));
  for (std::size_t i = 0; i < c.seeds.size(); ++i) {
    const esper_lattice_seed& seed = c.seeds[i];
    steps.push_back(lower_seed(i, &esper_lattice_seed::channel_count, 1, false));
    steps.push_back(lower_seed(i, &esper_lattice_seed::rank, seed.rank > 0 ? 1 : 0, false));
    steps.push_back(lower_seed(i, &esper_lattice_seed::kernel, seed.kernel > 0 ? 3 : 0, true));
    steps.push_back(lower_seed(i, &esper_lattice_seed::blend, int32_t{ESPER_BLEND_CONVEX}, true));
    steps.push_back(lower_seed(i, &esper_lattice_seed::activation, int32_t{ESPER_ACTIVATION_RELU}, true));
    steps.push_back(lower_seed(i, &esper_lattice_seed::kappa, 0.0F, true));
    steps.push_back(lower_seed(i, &esper_lattice_seed::flags, uint32_t{0}, true));
    steps.push_back(lower_seed(i, &esper_lattice_seed::channel_begin,
                               i == 0 ? 0 : c.seeds[i - 1].channel_begin + c.seeds[i - 1].channel_count, true));
  }
  steps.push_back(lower(&FuzzCase::channels, int32_t{1}));
  steps.push_back(lower(&FuzzCase::threads, int32_t{1}));
  steps.push_back(lower(&FuzzCase::layout, int32_t{0}));
  steps.push_back(
      [](FuzzCase& f) { return f.placement.misalignment != 0 ? (f.placement.misalignment = 0, true) : false; });
  steps.push_back([](FuzzCase& f) { return f.placement.in_place ? (f.placement.in_place = false, true) : false; });
  steps.push_back([](FuzzCase& f) { return f.input_scale != 1.0F ? (f.input_scale = 1.0F, true) : false; });
  return steps;
}

}  // namespace

esper_test::Problem FuzzCase::problem() const {
  const int32_t end = seeds.empty() ? 1 : seeds.back().channel_begin + seeds.back().channel_count;
  esper_test::Problem result(std::max(channels, end), layout, batch, height * width, one_row ? 0 : width);
  result.seeds = seeds;
  result.finish(data_seed);
  for (float& value : result.x) {
    value *= input_scale;
  }
  return result;
}

std::string FuzzCase::describe() const {
  std::ostringstream text;
  text << (layout == ESPER_LAYOUT_NCHW ? "NCHW" : "tokens") << " batch " << batch << " height " << height << " width "
       << width << (one_row ? " (as one row)" : "") << " channels " << problem().channels << " threads " << threads
       << (placement.in_place ? " in place" : "") << " misalignment " << placement.misalignment << " inputs times "
       << input_scale << " data " << data_seed;
  for (const esper_lattice_seed& seed : seeds) {
    text << "\n    " << esper_test::describe(seed);
  }
  return text.str();
}

FuzzCase draw_case(uint64_t number) {
  Random random(number);
  FuzzCase c;
  c.layout = random.below(2);
  c.batch = random.chance(3) ? 0 : random.size(7);
  c.height = random.size(40);
  c.width = random.chance(2) ? 0 : random.size(70);
  c.one_row = random.chance(15);
  int32_t next = random.below(4);
  const int32_t count = random.chance(3) ? 0 : random.size(8);
  for (int32_t i = 0; i < count; ++i) {
    c.seeds.push_back(draw_seed(random, next));
    next += c.seeds.back().channel_count + (random.chance(40) ? random.below(6) : 0);
  }
  c.channels = std::max(1, next);
  while (c.batch * c.height * c.width * c.channels > kMostElements) {
    int64_t& largest = c.batch > 2 ? c.batch : c.height > c.width ? c.height : c.width;
    largest = (largest + 1) / 2;
  }
  constexpr float kScales[] = {1.0F, 1.0F, 0.1F, 4.0F};
  c.input_scale = random.pick(kScales);
  c.data_seed = static_cast<uint32_t>(random.next());
  c.threads = 1 + random.below(5);
  c.placement = {random.chance(40), static_cast<std::size_t>(random.below(16))};
  return c;
}

FuzzCase shrink(FuzzCase failing, const std::function<bool(const FuzzCase&)>& fails) {
  for (bool progress = true; progress;) {
    progress = false;
    for (const Step& step : steps_for(failing)) {
      FuzzCase smaller = failing;
      if (step(smaller) && fails(smaller)) {
        failing = smaller;
        progress = true;
        break;  // The steps belong to the seeds as they were.
      }
    }
  }
  return failing;
}

}  // namespace esper_fuzz
