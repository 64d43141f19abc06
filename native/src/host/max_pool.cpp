#include "max_pool.h"

#include "nhwc_kernels.h"

namespace esper::host {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

nhwc::PoolShape pool_shape(at::IntArrayRef x, const PoolWindow& w) {
  return {x[2],
          x[3],
          x[1],
          w.output_height(x[2]),
          w.output_width(x[3]),
          w.kernel_height,
          w.kernel_width,
          w.stride_height,
          w.stride_width,
          w.pad_height,
          w.pad_width};
}

at::Tensor empty_image(at::IntArrayRef sizes, const at::TensorOptions& options) {
  return at::empty(sizes, options, at::MemoryFormat::ChannelsLast);
}

void forward_pass(const at::Tensor& x, const PoolWindow& window, at::Tensor& y, at::Tensor& index) {
  const nhwc::PoolShape shape = pool_shape(x.sizes(), window);
  y = empty_image({x.size(0), shape.channels, shape.output_height, shape.output_width}, x.options());
  index = at::empty(y.numel(), x.options().dtype(at::kByte));
  const int64_t input = shape.height * shape.width * shape.channels;
  const int64_t output = shape.output_height * shape.output_width * shape.channels;
  const float* source = x.data_ptr<float>();
  float* target = y.data_ptr<float>();
  uint8_t* position = index.data_ptr<uint8_t>();
  at::parallel_for(0, x.size(0), 1, [&](int64_t begin, int64_t end) {
    for (int64_t n = begin; n < end; ++n) {
      nhwc::max_pool(source + n * input, target + n * output, position + n * output, shape);
    }
  });
}

struct MaxPoolFunction : torch::autograd::Function<MaxPoolFunction> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const PoolWindow& window) {
    at::Tensor y, index;
    forward_pass(x, window, y, index);
    context->save_for_backward({index});
    context->saved_data["sizes"] = x.sizes().vec();
    context->saved_data["window"] =
        std::vector<int64_t>{window.kernel_height, window.kernel_width, window.stride_height,
                             window.stride_width,  window.pad_height,   window.pad_width};
    return y;
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const std::vector<int64_t> sizes = context->saved_data["sizes"].toIntVector();
    const std::vector<int64_t> w = context->saved_data["window"].toIntVector();
    const nhwc::PoolShape shape = pool_shape(sizes, PoolWindow{w[0], w[1], w[2], w[3], w[4], w[5]});
    const at::Tensor index = context->get_saved_variables()[0];
    const at::Tensor dy = gradients[0].contiguous(at::MemoryFormat::ChannelsLast);
    at::Tensor dx = empty_image(sizes, dy.options());
    const int64_t input = shape.height * shape.width * shape.channels;
    const int64_t output = shape.output_height * shape.output_width * shape.channels;
    const float* source = dy.data_ptr<float>();
    const uint8_t* position = index.data_ptr<uint8_t>();
    float* target = dx.data_ptr<float>();
    at::parallel_for(0, sizes[0], 1, [&](int64_t begin, int64_t end) {
      for (int64_t n = begin; n < end; ++n) {
        nhwc::max_pool_gradient(source + n * output, position + n * output, target + n * input, shape);
      }
    });
    return {dx, at::Tensor()};
  }
};

}  // namespace

at::Tensor max_pool(const at::Tensor& x, const PoolWindow& window) {
  if (at::GradMode::is_enabled() && x.requires_grad()) return MaxPoolFunction::apply(x, window);
  at::Tensor y, index;
  forward_pass(x, window, y, index);
  return y;
}

}  // namespace esper::host
