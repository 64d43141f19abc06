// Conv and pooling. Images travel channels-last in memory: convolutions are faster there and pooling, normalisation and
// the lattice touch contiguous channels.
#include "channels_last.h"
#include "error.h"
#include "max_pool.h"
#include "op.h"

namespace esper::host {
namespace {

// [begin..., end...] of ONNX as libtorch's symmetric padding; asymmetric padding is done apart.
struct Padding {
  std::vector<int64_t> symmetric;
  std::vector<int64_t> explicit_pad;  // at::constant_pad_nd order (last dimension first); empty if symmetric.
};

Padding read_padding(NodeReader& reader, size_t spatial) {
  const std::string mode = reader.string("auto_pad", "NOTSET");
  if (mode != "NOTSET" && mode != "VALID") {
    invalid(reader.place(), ": attribute 'auto_pad' is '", mode, "', supported are NOTSET and VALID; give 'pads'");
  }
  const std::vector<int64_t> pads = reader.integers("pads", std::vector<int64_t>(2 * spatial, 0));
  if (pads.size() != 2 * spatial) {
    invalid(reader.place(), ": attribute 'pads' has ", pads.size(), " entries, expected ", 2 * spatial);
  }
  Padding padding;
  bool equal = true;
  for (size_t i = 0; i < spatial; ++i) {
    if (pads[i] < 0 || pads[i + spatial] < 0) invalid(reader.place(), ": attribute 'pads' has a negative entry");
    equal = equal && pads[i] == pads[i + spatial];
  }
  padding.symmetric.assign(spatial, 0);
  if (equal) {
    padding.symmetric.assign(pads.begin(), pads.begin() + static_cast<int64_t>(spatial));
  } else {
    for (size_t i = spatial; i-- > 0;) {
      padding.explicit_pad.push_back(pads[i]);
      padding.explicit_pad.push_back(pads[i + spatial]);
    }
  }
  return padding;
}

// A list attribute with one positive entry a spatial dimension.
std::vector<int64_t> read_window(NodeReader& reader, const char* name, size_t spatial) {
  std::vector<int64_t> window = reader.integers(name, std::vector<int64_t>(spatial, 1));
  if (window.size() != spatial) {
    invalid(reader.place(), ": attribute '", name, "' has ", window.size(), " entries, expected ", spatial);
  }
  for (int64_t extent : window) {
    if (extent < 1) invalid(reader.place(), ": attribute '", name, "' has an entry below 1");
  }
  return window;
}

Run make_conv(NodeReader& reader, const Fusion&) {
  reader.expect(2, 3);
  reader.expect_float(0);
  const auto& weight_dims = reader.input(1).dims;
  if (!weight_dims || weight_dims->size() < 3 || weight_dims->size() > 5) {
    invalid(reader.place(), ": the weight needs a known rank of 3 to 5 ([out, in / group, kernel...])");
  }
  const size_t spatial = weight_dims->size() - 2;
  const Padding padding = read_padding(reader, spatial);
  const std::vector<int64_t> strides = read_window(reader, "strides", spatial);
  const std::vector<int64_t> dilations = read_window(reader, "dilations", spatial);
  const int64_t group = reader.integer("group", 1);
  if (group < 1) invalid(reader.place(), ": attribute 'group' is ", group);
  const std::vector<int64_t> kernel(weight_dims->begin() + 2, weight_dims->end());
  if (reader.has("kernel_shape") && reader.integers("kernel_shape", {}) != kernel) {
    invalid(reader.place(), ": attribute 'kernel_shape' contradicts the weight's shape ", shape_text(*weight_dims));
  }
  return [=](Io& io) {
    at::Tensor x = to_channels_last(io.in(0));
    if (!padding.explicit_pad.empty()) x = to_channels_last(at::constant_pad_nd(x, padding.explicit_pad));
    const at::Tensor bias = io.has(2) ? io.in(2) : at::Tensor();
    const std::vector<int64_t> zeros(spatial, 0);
    io.out(0, at::convolution(x, io.in(1), bias, strides, padding.symmetric, dilations, false, zeros, group));
  };
}

struct Pool {
  std::vector<int64_t> kernel;
  std::vector<int64_t> strides;
  std::vector<int64_t> dilations;
  Padding padding;
  bool ceil = false;
};

Pool read_pool(NodeReader& reader) {
  reader.expect(1, 1);
  reader.expect_float(0);
  if (!reader.has("kernel_shape")) invalid(reader.place(), ": attribute 'kernel_shape' is missing");
  const size_t spatial = reader.integers("kernel_shape", {}).size();
  if (spatial < 1 || spatial > 3)
    invalid(reader.place(), ": 'kernel_shape' has ", spatial, " entries, expected 1 to 3");
  Pool pool;
  pool.kernel = read_window(reader, "kernel_shape", spatial);
  pool.strides = read_window(reader, "strides", spatial);
  pool.dilations = read_window(reader, "dilations", spatial);
  pool.padding = read_padding(reader, spatial);
  pool.ceil = reader.integer("ceil_mode", 0) != 0;
  for (size_t i = 0; i < spatial; ++i) {
    if (2 * pool.padding.symmetric[i] > pool.kernel[i]) {
      invalid(reader.place(), ": attribute 'pads' exceeds half of 'kernel_shape'");
    }
  }
  return pool;
}

void check_rank(const at::Tensor& x, const Pool& pool) {
  const auto expected = static_cast<int64_t>(pool.kernel.size()) + 2;
  if (x.dim() != expected) invalid("the input has shape ", shape_text(x.sizes()), ", expected rank ", expected);
}

Run make_max_pool(NodeReader& reader, const Fusion&) {
  const Pool pool = read_pool(reader);
  const bool own = pool.kernel.size() == 2 && pool.dilations == std::vector<int64_t>{1, 1} && !pool.ceil &&
                   pool.kernel[0] * pool.kernel[1] <= 256 && pool.padding.explicit_pad.empty();
  const PoolWindow window = own ? PoolWindow{pool.kernel[0],
                                             pool.kernel[1],
                                             pool.strides[0],
                                             pool.strides[1],
                                             pool.padding.symmetric[0],
                                             pool.padding.symmetric[1]}
                                : PoolWindow{};
  // libtorch's CUDA kernel for channels-last images adds up the gradients of windows that overlap in any order; the one
  // for planes does not.
  bool overlaps = false;
  for (size_t i = 0; i < pool.kernel.size(); ++i) {
    overlaps = overlaps || pool.strides[i] < (pool.kernel[i] - 1) * pool.dilations[i] + 1;
  }
  return [pool, own, overlaps, window](Io& io) {
    at::Tensor x = io.in(0);
    check_rank(x, pool);
    if (!pool.padding.explicit_pad.empty()) {
      x = at::constant_pad_nd(x, pool.padding.explicit_pad, -std::numeric_limits<double>::infinity());
    }
    const bool kernels = own && io.frame().own_kernels();
    if (kernels && is_channels_last_float(x) && window.output_height(x.size(2)) > 0 &&
        window.output_width(x.size(3)) > 0) {
      io.out(0, max_pool(x, window));
      return;
    }
    if (!io.frame().own_kernels() && overlaps) x = x.contiguous();
    if (pool.kernel.size() == 1) {
      io.out(0, at::max_pool1d(x, pool.kernel, pool.strides, pool.padding.symmetric, pool.dilations, pool.ceil));
    } else if (pool.kernel.size() == 2) {
      io.out(0, at::max_pool2d(x, pool.kernel, pool.strides, pool.padding.symmetric, pool.dilations, pool.ceil));
    } else {
      io.out(0, at::max_pool3d(x, pool.kernel, pool.strides, pool.padding.symmetric, pool.dilations, pool.ceil));
    }
  };
}

Run make_average_pool(NodeReader& reader, const Fusion&) {
  const Pool pool = read_pool(reader);
  const bool include = reader.integer("count_include_pad", 0) != 0;
  for (int64_t dilation : pool.dilations) {
    if (dilation != 1) invalid(reader.place(), ": attribute 'dilations' other than 1 is not supported");
  }
  if (!pool.padding.explicit_pad.empty() && !include) {
    invalid(reader.place(), ": asymmetric 'pads' need count_include_pad = 1");
  }
  return [pool, include](Io& io) {
    at::Tensor x = io.in(0);
    check_rank(x, pool);
    if (!pool.padding.explicit_pad.empty()) x = at::constant_pad_nd(x, pool.padding.explicit_pad);
    if (pool.kernel.size() == 1) {
      io.out(0, at::avg_pool1d(x, pool.kernel, pool.strides, pool.padding.symmetric, pool.ceil, include));
    } else if (pool.kernel.size() == 2) {
      io.out(0, at::avg_pool2d(x, pool.kernel, pool.strides, pool.padding.symmetric, pool.ceil, include));
    } else {
      io.out(0, at::avg_pool3d(x, pool.kernel, pool.strides, pool.padding.symmetric, pool.ceil, include));
    }
  };
}

Run make_global_average_pool(NodeReader& reader, const Fusion&) {
  reader.expect(1, 1);
  reader.expect_float(0);
  return [](Io& io) {
    const at::Tensor& x = io.in(0);
    if (x.dim() < 3) invalid("the input has shape ", shape_text(x.sizes()), ", expected [N, C, spatial...]");
    std::vector<int64_t> dims;
    for (int64_t i = 2; i < x.dim(); ++i) dims.push_back(i);
    io.out(0, at::mean(x, dims, true));
  };
}

}  // namespace

const Operator kConvolutionOperators[] = {{"Conv", make_conv},
                                          {"MaxPool", make_max_pool},
                                          {"AveragePool", make_average_pool},
                                          {"GlobalAveragePool", make_global_average_pool},
                                          {nullptr, nullptr}};

}  // namespace esper::host
