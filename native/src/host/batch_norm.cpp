#include "batch_norm.h"

#include <cmath>

#include "channels_last.h"
#include "nhwc_kernels.h"

namespace esper::host {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

constexpr int64_t kParallelElements = 32768;  // Smaller tensors are not worth waking threads for.

// Runs body(task, first row, last row) on fixed row ranges, so that sums do not depend on scheduling.
template <class Body>
int64_t for_row_ranges(int64_t rows, int64_t channels, const Body& body) {
  const int64_t tasks = rows * channels < kParallelElements ? 1 : at::get_num_threads();
  at::parallel_for(0, tasks, 1, [&](int64_t begin, int64_t end) {
    for (int64_t task = begin; task < end; ++task) body(task, rows * task / tasks, rows * (task + 1) / tasks);
  });
  return tasks;
}

// Two sums a channel, gathered by all tasks and added in task order.
struct ChannelSums {
  explicit ChannelSums(int64_t channels)
      : width(2 * channels), partial(static_cast<size_t>(width * at::get_num_threads()), 0.0) {}
  double* first(int64_t task) { return partial.data() + task * width; }
  double* second(int64_t task) { return first(task) + width / 2; }
  void reduce(int64_t tasks) {
    for (int64_t task = 1; task < tasks; ++task) {
      for (int64_t i = 0; i < width; ++i) partial[static_cast<size_t>(i)] += first(task)[i];
    }
  }
  int64_t width;
  std::vector<double> partial;
};

// Rows of constants the kernels read: mean, scale, offset and 1 / standard deviation, [4][C].
struct Constants {
  explicit Constants(const at::Tensor& table) : data(table.data_ptr<float>()), channels(table.size(1)) {}
  float* mean() const { return data; }
  float* scale() const { return data + channels; }
  float* offset() const { return data + 2 * channels; }
  float* inverse() const { return data + 3 * channels; }
  nhwc::Affine affine() const { return {mean(), scale(), offset()}; }
  float* data;
  int64_t channels;
};

void batch_statistics(const at::Tensor& x, int64_t channels, const at::Tensor& running_mean,
                      const at::Tensor& running_variance, const BatchNormOptions& options, std::vector<double>& mean,
                      std::vector<double>& variance) {
  const int64_t rows = x.numel() / channels;
  const float* data = x.data_ptr<float>();
  // Sums are taken about the first row: a mean far from zero would cancel in sum x^2 - (sum x)^2 / n.
  ChannelSums sums(channels);
  sums.reduce(for_row_ranges(rows, channels, [&](int64_t task, int64_t begin, int64_t end) {
    nhwc::statistics(data + begin * channels, end - begin, channels, data, sums.first(task), sums.second(task));
  }));
  const auto count = static_cast<double>(rows);
  float* old_mean = running_mean.data_ptr<float>();
  float* old_variance = running_variance.data_ptr<float>();
  for (int64_t c = 0; c < channels; ++c) {
    const double shifted = sums.first(0)[c] / count;
    const double spread = std::max(0.0, sums.second(0)[c] - shifted * shifted * count);
    const auto i = static_cast<size_t>(c);
    mean[i] = static_cast<double>(data[c]) + shifted;
    variance[i] = std::isnan(sums.second(0)[c]) ? sums.second(0)[c] : spread / count;
    const double unbiased = rows > 1 ? variance[i] * count / (count - 1.0) : std::nan("");
    old_mean[c] =
        static_cast<float>(options.momentum * static_cast<double>(old_mean[c]) + (1.0 - options.momentum) * mean[i]);
    old_variance[c] = static_cast<float>(options.momentum * static_cast<double>(old_variance[c]) +
                                         (1.0 - options.momentum) * unbiased);
  }
}

at::Tensor make_constants(const at::Tensor& x, const at::Tensor& gamma, const at::Tensor& beta,
                          const at::Tensor& running_mean, const at::Tensor& running_variance,
                          const BatchNormOptions& options) {
  const int64_t channels = gamma.numel();
  std::vector<double> mean(static_cast<size_t>(channels)), variance(static_cast<size_t>(channels));
  if (options.batch_statistics) {
    batch_statistics(x, channels, running_mean, running_variance, options, mean, variance);
  } else {
    for (int64_t c = 0; c < channels; ++c) {
      mean[static_cast<size_t>(c)] = static_cast<double>(running_mean.data_ptr<float>()[c]);
      variance[static_cast<size_t>(c)] = static_cast<double>(running_variance.data_ptr<float>()[c]);
    }
  }
  at::Tensor table = at::empty({4, channels}, x.options().memory_format(at::MemoryFormat::Contiguous));
  const Constants constants(table);
  for (int64_t c = 0; c < channels; ++c) {
    const double inverse = 1.0 / std::sqrt(variance[static_cast<size_t>(c)] + options.epsilon);
    constants.mean()[c] = static_cast<float>(mean[static_cast<size_t>(c)]);
    constants.scale()[c] = static_cast<float>(inverse * static_cast<double>(gamma.data_ptr<float>()[c]));
    constants.offset()[c] = beta.data_ptr<float>()[c];
    constants.inverse()[c] = static_cast<float>(inverse);
  }
  return table;
}

at::Tensor apply_constants(const at::Tensor& x, const at::Tensor& table, bool relu) {
  at::Tensor y = at::empty_like(x);
  const Constants constants(table);
  const int64_t channels = constants.channels;
  const float* source = x.data_ptr<float>();
  float* target = y.data_ptr<float>();
  for_row_ranges(x.numel() / channels, channels, [&](int64_t, int64_t begin, int64_t end) {
    nhwc::normalize(source + begin * channels, target + begin * channels, end - begin, channels, constants.affine(),
                    relu);
  });
  return y;
}

struct BatchNormFunction : torch::autograd::Function<BatchNormFunction> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& gamma,
                            const at::Tensor& beta, const at::Tensor& mean, const at::Tensor& variance,
                            const BatchNormOptions& options) {
    const at::Tensor table = make_constants(x, gamma, beta, mean, variance, options);
    context->save_for_backward({x, table});
    context->saved_data["relu"] = options.relu;
    context->saved_data["batch_statistics"] = options.batch_statistics;
    return apply_constants(x, table, options.relu);
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const variable_list saved = context->get_saved_variables();
    const at::Tensor& x = saved[0];
    const Constants constants(saved[1]);
    const bool relu = context->saved_data["relu"].toBool();
    const bool batch = context->saved_data["batch_statistics"].toBool();
    const at::Tensor dy =
        x.dim() == 4 ? gradients[0].contiguous(at::MemoryFormat::ChannelsLast) : gradients[0].contiguous();
    const int64_t channels = constants.channels;
    const int64_t rows = x.numel() / channels;
    const float* source = x.data_ptr<float>();
    const float* upstream = dy.data_ptr<float>();
    ChannelSums sums(channels);
    sums.reduce(for_row_ranges(rows, channels, [&](int64_t task, int64_t begin, int64_t end) {
      nhwc::gradient_sums(source + begin * channels, upstream + begin * channels, end - begin, channels,
                          constants.affine(), relu, sums.first(task), sums.second(task));
    }));
    const at::TensorOptions vector = x.options().memory_format(at::MemoryFormat::Contiguous);
    at::Tensor dgamma = at::empty({channels}, vector), dbeta = at::empty({channels}, vector);
    std::vector<float> mean_dy(static_cast<size_t>(channels), 0.0F), slope(static_cast<size_t>(channels), 0.0F);
    for (int64_t c = 0; c < channels; ++c) {
      const auto inverse = static_cast<double>(constants.inverse()[c]);
      dbeta.data_ptr<float>()[c] = static_cast<float>(sums.first(0)[c]);
      dgamma.data_ptr<float>()[c] = static_cast<float>(sums.second(0)[c] * inverse);
      if (!batch) continue;  // Running statistics are constants: only the direct path has a gradient.
      mean_dy[static_cast<size_t>(c)] = static_cast<float>(sums.first(0)[c] / static_cast<double>(rows));
      slope[static_cast<size_t>(c)] =
          static_cast<float>(sums.second(0)[c] * inverse * inverse / static_cast<double>(rows));
    }
    at::Tensor dx;
    if (context->needs_input_grad(0)) {
      dx = at::empty_like(x);
      float* target = dx.data_ptr<float>();
      for_row_ranges(rows, channels, [&](int64_t, int64_t begin, int64_t end) {
        const int64_t at = begin * channels;
        nhwc::gradient_input(source + at, upstream + at, target + at, end - begin, channels, constants.affine(),
                             mean_dy.data(), slope.data(), relu);
      });
    }
    return {dx, dgamma, dbeta, at::Tensor(), at::Tensor(), at::Tensor()};
  }
};

}  // namespace

bool batch_norm_applies(const at::Tensor& x) {
  if (x.numel() == 0 || x.scalar_type() != at::kFloat) return false;
  return is_channels_last_float(x) || (x.dim() == 2 && x.is_contiguous());
}

at::Tensor batch_norm(const at::Tensor& x, const at::Tensor& gamma, const at::Tensor& beta, const at::Tensor& mean,
                      const at::Tensor& variance, const BatchNormOptions& options) {
  const bool gradient =
      at::GradMode::is_enabled() && (x.requires_grad() || gamma.requires_grad() || beta.requires_grad());
  if (gradient) return BatchNormFunction::apply(x, gamma, beta, mean, variance, options);
  return apply_constants(x, make_constants(x, gamma, beta, mean, variance, options), options.relu);
}

}  // namespace esper::host
