// The shim itself: it must see what the kernels may not do.
#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <vector>

#define ESPER_CUDA_SHIM
#include "../cuda_shim/shim.hpp"

namespace {

using namespace esper_device;

std::string fault(const std::function<void()>& body, std::uint32_t order = 0) {
  try {
    esper_shim::launch({2, 64, 256, order}, body);
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return "";
}

TEST(Shim, ReportsDivergedBarriers) {
  EXPECT_EQ(fault([] { block_sync(); }), "");
  EXPECT_NE(fault([] {
              if (thread_index() != 5) {
                block_sync();
              }
            }).find("diverged"),
            std::string::npos);
  EXPECT_NE(fault([] {
              if (thread_index() < 32) {
                block_sync();
              } else {
                block_sync(__FILE__, 1);
              }
            }).find("diverged"),
            std::string::npos);
  EXPECT_NE(fault([] {
              if (thread_index() % 2 == 0) {
                lane_exchange(1.0F, 1);
              } else {
                block_sync();
              }
            }).find("diverged"),
            std::string::npos);
}

TEST(Shim, ReportsWritesOutsideOfSharedMemory) {
  EXPECT_NE(fault([] { esper_shim::shared()[256] = 1; }).find("outside"), std::string::npos);
  EXPECT_NE(fault([] { esper_shim::shared()[-1] = 1; }).find("outside"), std::string::npos);
  EXPECT_EQ(fault([] { esper_shim::shared()[255] = 1; }), "");
}

TEST(Shim, PoisonsSharedMemory) {
  fault([] { EXPECT_EQ(esper_shim::shared()[thread_index()], 0xFF); });
}

TEST(Shim, ExchangesLanes) {
  fault([] {
    const int lane = thread_index() & 31;
    EXPECT_EQ(lane_exchange(static_cast<float>(lane), 5), static_cast<float>(lane ^ 5));
  });
}

// A reader that forgets to wait for the writer: in order it happens to work, shuffled it does not.
TEST(Shim, ShuffledThreadsShowMissingBarriers) {
  int wrong = 0;
  const auto body = [&wrong] {
    auto* cells = reinterpret_cast<int*>(esper_shim::shared());
    cells[thread_index()] = thread_index();
    if (thread_index() > 0 && cells[thread_index() - 1] != thread_index() - 1) {
      ++wrong;
    }
  };
  fault(body);
  EXPECT_EQ(wrong, 0);
  fault(body, 3);
  EXPECT_GT(wrong, 0);
}

TEST(Shim, HalfConversionsAreExactAndRoundToEven) {
  for (std::uint32_t bits = 0; bits < 65536; ++bits) {
    const auto half = static_cast<std::uint16_t>(bits);
    if ((half & 0x7C00U) == 0x7C00U && (half & 0x3FFU) != 0) {
      continue;
    }
    ASSERT_EQ(esper_shim::float_to_half(esper_shim::half_to_float(half)), half);
  }
  EXPECT_EQ(esper_shim::float_to_half(2049.0F), esper_shim::float_to_half(2048.0F));
  EXPECT_EQ(esper_shim::float_to_half(2051.0F), esper_shim::float_to_half(2052.0F));
  EXPECT_EQ(esper_shim::float_to_half(65519.0F), 0x7BFFU);
  EXPECT_EQ(esper_shim::float_to_half(65520.0F), 0x7C00U);
}

}  // namespace
