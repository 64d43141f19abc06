#include "case_table.hpp"

#include "support.hpp"

namespace esper_test {
namespace {

constexpr int32_t kLayouts[] = {ESPER_LAYOUT_NCHW, ESPER_LAYOUT_TOKENS};

// A problem with one seed that leaves channels before and behind its chunk.
struct Single {
  int32_t layout = ESPER_LAYOUT_NCHW;
  int64_t batch = 1;
  int64_t positions = 1;
  int64_t width = 0;
  esper_lattice_seed seed = make_seed(2, 1, ESPER_FAMILY_AFFINE, 0);
  uint32_t random_seed = 1;

  Problem problem() const {
    Problem result(seed.channel_begin + seed.channel_count + 1, layout, batch, positions, width);
    result.seeds = {seed};
    result.finish(random_seed);
    return result;
  }
};

void add(CaseGroup* group, const Single& single, const Placement& placement = {}) {
  group->cases.push_back({describe(single.seed) + " layout " + std::to_string(single.layout) + " batch " +
                              std::to_string(single.batch) + " positions " + std::to_string(single.positions) +
                              " width " + std::to_string(single.width),
                          [single] { return single.problem(); }, placement});
}

// Sizes are crossed in full; family, activation, blend, batch and alignment rotate at periods without a common factor.
CaseGroup awkward_sizes() {
  CaseGroup group{"AwkwardSizes", {}};
  constexpr int32_t kFamilies[] = {ESPER_FAMILY_BOTTLENECK, ESPER_FAMILY_GATE,    ESPER_FAMILY_BOTTLENECK,
                                   ESPER_FAMILY_DEPTHWISE,  ESPER_FAMILY_LOWRANK, ESPER_FAMILY_BOTTLENECK,
                                   ESPER_FAMILY_AFFINE};
  uint32_t turn = 0;
  for (const int32_t layout : kLayouts) {
    for (const int32_t channels : {1, 2, 3, 5, 16, 17, 64}) {
      for (const int32_t rank : {1, 3, 4, 8, 16, 33}) {
        for (const int64_t positions : {1, 7, 16, 63, 64, 100}) {
          Single single{layout, turn % 2 == 0 ? 1 : 3, positions, 0, {}, turn + 1};
          single.seed = make_seed(2, channels, kFamilies[turn % 7], rank, static_cast<int32_t>(turn % 5));
          single.seed.activation = static_cast<int32_t>((turn / 5) % 5);
          add(&group, single, {turn % 3 == 0, turn % 11});
          ++turn;
        }
      }
    }
  }
  return group;
}

CaseGroup family(int32_t family) {
  constexpr const char* kNames[] = {"Affine", "Lowrank", "Bottleneck", "Gate", "Depthwise"};
  CaseGroup group{std::string("EveryBlendOf") + kNames[family], {}};
  uint32_t turn = 0;
  for (int32_t activation = 0; activation < kActivationCount; ++activation) {
    for (int32_t blend = 0; blend < kBlendCount; ++blend) {
      for (const int32_t stage : {ESPER_STAGE_TRAINING, ESPER_STAGE_BLENDING, ESPER_STAGE_FOSSILIZED}) {
        for (const float alpha : {0.0F, 0.4F, 1.0F}) {
          Single single{kLayouts[turn % 2], 2, 35, turn % 3 == 0 ? 7 : 5, {}, turn + 1};
          single.seed = make_seed(1, 11, family, 6, blend);
          single.seed.activation = activation;
          single.seed.stage = stage;
          single.seed.alpha = alpha;
          single.seed.kappa = turn % 2 == 0 ? 0.0F : 0.5F;
          single.seed.flags = turn % 7 == 0 ? ESPER_SEED_FROZEN : 0;
          add(&group, single);
          ++turn;
        }
      }
    }
  }
  return group;
}

// Images of every odd shape: one row, one column, narrower and lower than the kernel, prime, longer than any tile.
CaseGroup images() {
  CaseGroup group{"Images", {}};
  struct Size {
    int64_t height;
    int64_t width;
  };
  constexpr Size kSizes[] = {{1, 1},   {1, 2},   {2, 1},  {1, 41}, {41, 1},  {2, 2},   {3, 2},   {2, 19},
                             {19, 2},  {3, 3},   {4, 5},  {7, 7},  {13, 11}, {16, 16}, {32, 32}, {31, 33},
                             {8, 130}, {130, 8}, {67, 1}, {1, 67}, {37, 61}, {1, 2050}};
  uint32_t turn = 0;
  for (const int32_t layout : kLayouts) {
    for (const Size& size : kSizes) {
      for (const int32_t kernel : {0, 3, 5, 7}) {
        const int32_t channels[] = {1, 4, 8, 17};
        Single single{layout, 1 + turn % 3, size.height * size.width, size.width, {}, turn + 1};
        const int32_t kind = kernel == 0 ? ESPER_FAMILY_GATE : ESPER_FAMILY_DEPTHWISE;
        single.seed = make_seed(3, channels[(turn / 3) % 4], kind, 3, static_cast<int32_t>(turn % 5));
        single.seed.kernel = kernel;
        single.seed.activation = static_cast<int32_t>((turn / 2) % 5);
        single.seed.stage = turn % 4 == 3 ? ESPER_STAGE_TRAINING : ESPER_STAGE_BLENDING;
        single.seed.kappa = turn % 8 == 3 ? 0.5F : 0.0F;
        add(&group, single, {turn % 2 == 0, turn % 13});
        ++turn;
      }
    }
  }
  return group;
}

CaseGroup mixed() {
  CaseGroup group{"MixedLattices", {}};
  for (const int32_t layout : kLayouts) {
    for (const bool in_place : {false, true}) {
      for (const int64_t positions : {1, 7, 64, 77}) {
        group.cases.push_back({"mixed lattice, layout " + std::to_string(layout) + " positions " +
                                   std::to_string(positions) + (in_place ? " in place" : ""),
                               [=] { return mixed_problem(layout, 3, positions, 5); },
                               {in_place, 1}});
      }
    }
  }
  return group;
}

// Wide chunks force the smallest tiles; many positions force many of them.
CaseGroup large() {
  CaseGroup group{"WideChunksAndLongSequences", {}};
  for (const int32_t layout : kLayouts) {
    for (const int32_t kind : {ESPER_FAMILY_BOTTLENECK, ESPER_FAMILY_GATE, ESPER_FAMILY_DEPTHWISE}) {
      Single wide{layout, 1, 40, 8, {}, 3};
      const int32_t channels = kind == ESPER_FAMILY_DEPTHWISE ? 300 : 700;
      wide.seed = make_seed(0, channels, kind, 130, kind == ESPER_FAMILY_GATE ? ESPER_BLEND_GATED : ESPER_BLEND_CONVEX);
      add(&group, wide);
      Single longer{layout, 1, 5000, 50, {}, 4};
      longer.seed = make_seed(0, 8, kind, 4, ESPER_BLEND_GATED);
      add(&group, longer, {true, 0});
    }
  }
  return group;
}

// Activations far from 0, without biases so that small arguments reach them as they are.
CaseGroup large_arguments() {
  CaseGroup group{"LargeArguments", {}};
  for (const int32_t kind : {ESPER_FAMILY_BOTTLENECK, ESPER_FAMILY_GATE, ESPER_FAMILY_DEPTHWISE}) {
    for (int32_t activation = 0; activation < kActivationCount; ++activation) {
      for (const float scale : {1e-3F, 4.0F, 30.0F, 200.0F}) {
        if (activation == ESPER_ACTIVATION_RELU && scale < 1.0F) {
          continue;  // The same at every scale, and full of kinks where all arguments are small.
        }
        Single single{ESPER_LAYOUT_NCHW, 2, 64, 8, {}, 11};
        single.seed = make_seed(0, 4, kind, 4);
        single.seed.activation = activation;
        const auto problem = [single, scale] {
          Problem result = single.problem();
          for (float& value : result.x) {
            value *= scale;
          }
          const esper_lattice_seed& seed = result.seeds[0];
          const int64_t k = seed.kernel;
          const int64_t b1 = seed.parameter_offset + (k > 0 ? 4 * k * k : 16);
          for (int64_t i = 0; i < 4; ++i) {
            result.theta[static_cast<std::size_t>(b1 + i)] = 0.0F;
            result.theta[static_cast<std::size_t>(b1 + 4 + 16 + i)] = 0.0F;
          }
          return result;
        };
        group.cases.push_back({describe(single.seed) + " inputs times " + std::to_string(scale), problem, {}});
      }
    }
  }
  return group;
}

CaseGroup many_seeds() {
  CaseGroup group{"ManySeeds", {}};
  for (const int32_t layout : kLayouts) {
    const auto thousand = [layout] {
      Problem result(2500, layout, 2, 6, 3);
      for (int32_t i = 0; i < 1000; ++i) {
        int32_t begin = 0;
        int32_t count = 0;
        require(esper_chunk(2500, 1000, i, &begin, &count));
        result.seeds.push_back(make_seed(begin, count, i % kFamilyCount, 2, (i / 5) % kBlendCount));
      }
      result.finish(17);
      return result;
    };
    group.cases.push_back({"1,000 seeds, layout " + std::to_string(layout), thousand, {}});
    const auto none = [layout] {
      Problem result = mixed_problem(layout, 2, 30, 3);
      for (esper_lattice_seed& seed : result.seeds) {
        seed.stage = ESPER_STAGE_DORMANT;
      }
      return result;
    };
    group.cases.push_back({"all dormant, layout " + std::to_string(layout), none, {}});
    group.cases.push_back({"all dormant in place, layout " + std::to_string(layout), none, {true, 2}});
    const auto all = [layout] {
      Problem result = mixed_problem(layout, 2, 30, 3);
      for (esper_lattice_seed& seed : result.seeds) {
        seed.stage = ESPER_STAGE_FOSSILIZED;
        seed.alpha = 1.0F;
      }
      return result;
    };
    group.cases.push_back({"all fossilized, layout " + std::to_string(layout), all, {}});
  }
  return group;
}

CaseGroup empty_tensors() {
  CaseGroup group{"EmptyTensors", {}};
  for (const int32_t layout : kLayouts) {
    for (const int64_t batch : {0, 2}) {
      for (const int64_t positions : {0, 9}) {
        group.cases.push_back({"batch " + std::to_string(batch) + " positions " + std::to_string(positions),
                               [=] { return mixed_problem(layout, batch, positions, 8); },
                               {}});
      }
    }
    const auto none = [layout] {
      Problem result(5, layout, 2, 9);
      result.finish(1);
      return result;
    };
    group.cases.push_back({"no seeds, layout " + std::to_string(layout), none, {}});
  }
  return group;
}

std::vector<CaseGroup> make_cases() {
  std::vector<CaseGroup> groups = {awkward_sizes()};
  for (int32_t kind = 0; kind < kFamilyCount; ++kind) {
    groups.push_back(family(kind));
  }
  for (const CaseGroup& group : {images(), mixed(), large(), large_arguments(), many_seeds(), empty_tensors()}) {
    groups.push_back(group);
  }
  return groups;
}

// Owns its context; small tensors are divided among threads as large ones are.
class OwningCpuBackend final : public Backend {
 public:
  explicit OwningCpuBackend(int32_t isa) : context_(make_context(options(isa))), cpu_(context_.get()) {}
  void forward(const Problem& problem, const float* x, float* y) override { cpu_.forward(problem, x, y); }
  void backward(const Problem& problem, const float* x, const float* dy, float* dx, float* dtheta, float* dalpha,
                esper_seed_sums* sums) override {
    cpu_.backward(problem, x, dy, dx, dtheta, dalpha, sums);
  }

 private:
  static esper_context_options options(int32_t isa) {
    esper_context_options result = context_options(isa, 3);
    result.small_work = 4096;
    return result;
  }

  Context context_;
  CpuBackend cpu_;
};

}  // namespace

const std::vector<CaseGroup>& case_table() {
  static const std::vector<CaseGroup> table = make_cases();
  return table;
}

const std::vector<BackendEntry>& backend_table() {
  static const std::vector<BackendEntry> table = [] {
    std::vector<BackendEntry> entries;
    for (const int32_t isa : {ESPER_ISA_SCALAR, ESPER_ISA_AVX2, ESPER_ISA_AVX512}) {
      const std::string name = esper_isa_name(isa);
      entries.push_back({name, isa > best_isa() ? "this machine has no " + name : "",
                         [isa] { return std::make_unique<OwningCpuBackend>(isa); }});
    }
    return entries;
  }();
  return table;
}

}  // namespace esper_test
