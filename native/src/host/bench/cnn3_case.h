// The cnn3 host on synthetic 3 x 32 x 32 images, as a session to time: conv3x3-BN-ReLU-maxpool blocks, global average
// pool, linear; SGD with Nesterov momentum 0.9 and weight decay 5e-4.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "esper/esper_host.h"

namespace esper::host::bench {

// What is timed.
struct Cnn3Settings {
  std::vector<int> widths = {32, 64, 128};
  int batch = 128;
  int threads = 2;
  bool lattice = false;  // A dormant lattice of four seeds behind every ReLU.
};

// Ends the program with the library's message if a call failed.
void require(esper_status status);

// Parses "NAME VALUE" pairs of whole numbers >= 1 and flags; unknown words end the program with the usage text.
class Arguments {
 public:
  Arguments(int argc, char** argv, const char* usage);
  int number(const char* name, int fallback);
  bool flag(const char* name);
  std::string text(const char* name);
  void finish() const;

 private:
  size_t find(const char* name) const;

  std::vector<std::string> words_;
  const char* usage_;
};

// A session with its batch. The same settings give the same parameters and data.
class Cnn3Case {
 public:
  explicit Cnn3Case(const Cnn3Settings& settings);
  Cnn3Case(const Cnn3Case&) = delete;
  Cnn3Case& operator=(const Cnn3Case&) = delete;
  ~Cnn3Case();

  // Takes one training step and returns its wall-clock in milliseconds.
  double step();
  // What the last step measured.
  const esper_host_step_result& result() const { return result_; }

 private:
  esper_host_session* session_ = nullptr;
  std::vector<float> images_;
  std::vector<int64_t> labels_;
  int64_t image_dims_[4] = {};
  int64_t label_dims_[1] = {};
  esper_host_step_result result_{};
};

// Middle value of the samples; sorts them.
double median(std::vector<double>& samples);

}  // namespace esper::host::bench
