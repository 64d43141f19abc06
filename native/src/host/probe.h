// First-order growth probe: gradients dL/dy x^T of a linear module in every chunk, gathered over two halves of data.
#pragma once

#include <array>
#include <vector>

#include "site.h"
#include "torch.h"

namespace esper::host {

class Probe {
 public:
  void begin(const std::vector<Site>& sites);
  // Adds a batch of `examples` examples: the sites' values and the gradients of the mean loss at them.
  void add(const std::vector<Site>& sites, const std::vector<at::Tensor>& values,
           const std::vector<at::Tensor>& gradients, int64_t examples, int32_t half);
  // The result of one seed; both halves need a batch.
  esper_host_seed_probe read(const Site& site, int32_t seed) const;
  bool started() const { return started_; }

 private:
  struct Chunk {
    std::array<at::Tensor, 2> gradient;  // [C, C] double: sum over examples of sum over positions dL_i/dy x^T.
    at::Tensor input_sum;                // [C] double: sum of x over both halves.
    at::Tensor input_product;            // [C, C] double: sum of x x^T over both halves.
    int64_t rows = 0;
  };
  bool started_ = false;
  std::array<int64_t, 2> examples_{};
  std::vector<std::vector<Chunk>> chunks_;  // By site and seed.
};

}  // namespace esper::host
