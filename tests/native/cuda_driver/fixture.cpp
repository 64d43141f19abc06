#include "fixture.hpp"

#include <dlfcn.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

namespace esper_cuda_test {

FakeDriver::FakeDriver() : library_(dlopen(ESPER_FAKE_DRIVER, RTLD_NOW | RTLD_LOCAL)) {
  if (library_ == nullptr) {
    throw std::runtime_error(dlerror());
  }
  reset = entry<decltype(reset)>("esper_fake_reset");
  set = entry<decltype(set)>("esper_fake_set");
  fail = entry<decltype(fail)>("esper_fake_fail");
  count = entry<decltype(count)>("esper_fake_count");
  live = entry<decltype(live)>("esper_fake_live");
  launches = entry<decltype(launches)>("esper_fake_launches");
  launch = entry<decltype(launch)>("esper_fake_launch");
  set_launcher = entry<decltype(set_launcher)>("esper_fake_set_launcher");
}

void* FakeDriver::find(const char* symbol) const {
  void* address = dlsym(library_, symbol);
  if (address == nullptr) {
    throw std::runtime_error(std::string("the fake driver has no ") + symbol);
  }
  return address;
}

ScopedVariable::ScopedVariable(const char* name, const char* value) : name_(name) {
  const char* before = std::getenv(name);
  was_set_ = before != nullptr;
  before_ = was_set_ ? before : "";
  setenv(name, value, 1);
}

ScopedVariable::~ScopedVariable() {
  if (was_set_) {
    setenv(name_.c_str(), before_.c_str(), 1);
  } else {
    unsetenv(name_.c_str());
  }
}

void FakeDriverTest::SetUp() {
  setenv("ESPER_CUDA_DRIVER", ESPER_FAKE_DRIVER, 1);
  setenv("ESPER_NVRTC", ESPER_FAKE_NVRTC, 1);
  fake.reset();
  std::string pattern = (std::filesystem::temp_directory_path() / "esper-cuda-test-XXXXXX").string();
  ASSERT_NE(mkdtemp(pattern.data()), nullptr);
  folder = pattern;
  cache = (folder / "cache").string();
  options.struct_size = sizeof options;
  options.cache_dir = cache.c_str();
  const esper_shape s = shape();
  theta.assign(4096, 0.5F);
  x.assign(static_cast<std::size_t>(s.batch * s.positions * 32), 1.0F);
  y = dy = dx = x;
  dtheta = theta;
}

void FakeDriverTest::TearDown() {
  fake.reset();
  EXPECT_EQ(fake.live(""), 0) << "device " << fake.live("device") << ", host " << fake.live("host") << ", events "
                              << fake.live("event") << ", streams " << fake.live("stream") << ", modules "
                              << fake.live("module") << ", contexts " << fake.live("context");
  std::filesystem::remove_all(folder);
}

bool FakeDriverTest::has_builtin() {
  return std::strstr(esper_build_info(), "\"ptx\":[]") == nullptr;
}

esper_status FakeDriverTest::try_create(int32_t source, esper_cuda** cuda) {
  options.source = source;
  return esper_cuda_create(&options, cuda);
}

Cuda FakeDriverTest::create(int32_t source) {
  esper_cuda* cuda = nullptr;
  EXPECT_EQ(try_create(source, &cuda), ESPER_OK) << esper_last_error();
  return Cuda(cuda);
}

esper_cuda_description FakeDriverTest::describe(const Cuda& cuda) {
  esper_cuda_description description{};
  description.struct_size = sizeof description;
  EXPECT_EQ(esper_cuda_describe(cuda.get(), &description), ESPER_OK) << esper_last_error();
  return description;
}

Lattice FakeDriverTest::lattice(float alpha) {
  std::vector<esper_lattice_seed> seeds;
  int64_t offset = 0;
  for (int32_t i = 0; i < 4; ++i) {
    esper_lattice_seed seed{};
    seed.struct_size = sizeof seed;
    seed.stage = alpha > 0.0F ? ESPER_STAGE_BLENDING : ESPER_STAGE_DORMANT;
    seed.channel_begin = 8 * i;
    seed.channel_count = 8;
    seed.family = ESPER_FAMILY_BOTTLENECK;
    seed.activation = ESPER_ACTIVATION_GELU;
    seed.rank = 4;
    seed.alpha = alpha;
    seed.learning_rate_scale = 1.0F;
    seed.parameter_offset = offset;
    int64_t count = 0;
    EXPECT_EQ(esper_parameter_count(&seed, &count), ESPER_OK) << esper_last_error();
    offset += count;
    seeds.push_back(seed);
  }
  esper_lattice* lattice = nullptr;
  EXPECT_EQ(esper_lattice_create(32, seeds.data(), 4, &lattice), ESPER_OK) << esper_last_error();
  return Lattice(lattice);
}

esper_shape FakeDriverTest::shape() {
  esper_shape shape{};
  shape.struct_size = sizeof shape;
  shape.layout = ESPER_LAYOUT_TOKENS;
  shape.batch = 2;
  shape.positions = 40;
  return shape;
}

DeviceLattice FakeDriverTest::device_lattice(const Cuda& cuda, const Lattice& lattice, int32_t dtype) {
  const esper_shape s = shape();
  esper_cuda_lattice* made = nullptr;
  EXPECT_EQ(esper_cuda_lattice_create(cuda.get(), lattice.get(), &s, dtype, &made), ESPER_OK) << esper_last_error();
  return DeviceLattice(made);
}

}  // namespace esper_cuda_test
