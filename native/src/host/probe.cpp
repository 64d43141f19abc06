#include "probe.h"

#include <algorithm>

#include "error.h"

namespace esper::host {
namespace {

// The chunk's channels of a site tensor as a matrix [rows, C].
at::Tensor chunk_rows(const SiteSpec& spec, const at::Tensor& tensor, const esper_lattice_seed& desc) {
  const int64_t axis = spec.layout == ESPER_LAYOUT_TOKENS ? tensor.dim() - 1 : 1;
  return tensor.narrow(axis, desc.channel_begin, desc.channel_count)
      .movedim(axis, -1)
      .reshape({-1, desc.channel_count});
}

// Variances below this share of the mean square are rounding errors of single precision.
constexpr double kLeastVariance = 1e-6;

// What the channels of a chunk do by themselves, from the sums over its rows.
void describe_input(const at::Tensor& sum, const at::Tensor& product, int64_t rows, esper_host_seed_probe& result) {
  const double count = static_cast<double>(rows);
  const at::Tensor square = product.diagonal() / count;
  const at::Tensor mean = sum / count;
  const at::Tensor covariance = product / count - at::outer(mean, mean);
  const at::Tensor variance = covariance.diagonal().clamp_min(0.0);
  const at::Tensor varies = (variance > kLeastVariance * square).to(at::kDouble);
  const at::Tensor scale = varies / variance.clamp_min(1e-300).sqrt();
  const double alive = varies.sum().item<double>();
  const double correlations = (covariance * at::outer(scale, scale)).abs().sum().item<double>();
  result.input_square = square.mean().item<double>();
  result.variance = variance.mean().item<double>();
  result.redundancy = alive > 1.5 ? std::max(0.0, correlations - alive) / (alive * (alive - 1.0)) : 0.0;
  result.dead = 1.0 - alive / static_cast<double>(varies.numel());
}

}  // namespace

void Probe::begin(const std::vector<Site>& sites) {
  std::vector<std::vector<Chunk>> chunks;
  for (const Site& site : sites) chunks.emplace_back(site.seeds().size());
  chunks_.swap(chunks);
  examples_ = {};
  started_ = true;
}

void Probe::add(const std::vector<Site>& sites, const std::vector<at::Tensor>& values,
                const std::vector<at::Tensor>& gradients, int64_t examples, int32_t half) {
  const auto side = static_cast<size_t>(half);
  started_ = false;  // A failure leaves half a batch in the sums, so that it ends the probe.
  for (size_t i = 0; i < sites.size(); ++i) {
    for (size_t s = 0; s < sites[i].seeds().size(); ++s) {
      const esper_lattice_seed& desc = sites[i].seeds()[s].desc;
      Chunk& chunk = chunks_[i][s];
      const at::Tensor x = chunk_rows(sites[i].spec(), values[i].detach(), desc);
      const auto numbers = at::TensorOptions().dtype(at::kDouble).device(x.device());
      if (!chunk.input_sum.defined()) {
        chunk.input_sum = at::zeros({desc.channel_count}, numbers);
        chunk.input_product = at::zeros({desc.channel_count, desc.channel_count}, numbers);
      }
      chunk.input_sum.add_(x.sum(0, false, at::kDouble));
      chunk.input_product.add_(at::mm(x.t(), x).to(at::kDouble));
      chunk.rows += x.size(0);
      if (!chunk.gradient[side].defined()) {
        chunk.gradient[side] = at::zeros({desc.channel_count, desc.channel_count}, numbers);
      }
      if (!gradients[i].defined()) continue;  // The loss does not depend on this site.
      const at::Tensor dy = chunk_rows(sites[i].spec(), gradients[i], desc);
      chunk.gradient[side].add_(at::mm(dy.t(), x).to(at::kDouble), static_cast<double>(examples));
    }
  }
  examples_[side] += examples;
  started_ = true;
}

esper_host_seed_probe Probe::read(const Site& site, int32_t seed) const {
  if (!started_) invalid("probe: call esper_host_probe_begin first; a batch that fails ends a probe");
  for (size_t half = 0; half < 2; ++half) {
    if (examples_[half] == 0) invalid("probe: half ", half, " has no batch yet; call esper_host_probe_batch for both");
  }
  const Chunk& chunk = chunks_[static_cast<size_t>(site.spec().site)][static_cast<size_t>(seed)];
  const at::Tensor a = chunk.gradient[0] / static_cast<double>(examples_[0]);
  const at::Tensor b = chunk.gradient[1] / static_cast<double>(examples_[1]);
  esper_host_seed_probe result{};
  result.struct_size = sizeof(result);
  result.cross = (a * b).sum().item<double>();
  result.square_a = (a * a).sum().item<double>();
  result.square_b = (b * b).sum().item<double>();
  if (chunk.rows > 0) describe_input(chunk.input_sum, chunk.input_product, chunk.rows, result);
  return result;
}

}  // namespace esper::host
