// Gather and Scatter. Indices are checked in host memory before anything is read or written at them. Where libtorch
// adds up gradients in any order on a device, another of its operators is taken.
#include <numeric>

#include "error.h"
#include "op.h"

namespace esper::host {
namespace {

// Throws unless all indices lie in [-extent, extent); whether one is negative.
bool check_indices(const at::Tensor& indices, int64_t extent) {
  const at::Tensor dense = indices.contiguous();
  const int64_t* index = dense.data_ptr<int64_t>();
  bool negative = false;
  for (int64_t i = 0; i < dense.numel(); ++i) {
    if (index[i] < -extent || index[i] >= extent) {
      invalid("index ", index[i], " at position ", i, " is outside [", -extent, ", ", extent, ")");
    }
    negative = negative || index[i] < 0;
  }
  return negative;
}

// Indices counted from the front; checked against the extent that they index.
at::Tensor from_front(const at::Tensor& indices, const at::Tensor& host, int64_t extent) {
  return check_indices(host, extent) ? at::where(indices.lt(0), indices.add(extent), indices) : indices;
}

void expect_indices(const NodeReader& reader) {
  if (reader.input(1).dtype != ESPER_HOST_INT64) {
    invalid(reader.place(), ": input 1 '", reader.input(1).name, "' is ", dtype_name(reader.input(1).dtype),
            ", expected int64 indices");
  }
}

Run make_gather(NodeReader& reader, const Fusion&) {
  reader.expect(2, 2);
  expect_indices(reader);
  const int64_t axis = reader.integer("axis", 0);
  return [axis](Io& io) {
    const at::Tensor& data = io.in(0);
    const int64_t dim = normalize_axis(axis, data.dim());
    const at::Tensor indices = from_front(io.in(1).contiguous(), io.host(1), data.size(dim));
    if (dim == 0 && data.dim() == 2) {
      io.out(0, at::embedding(data, indices));
      return;
    }
    if (!io.frame().own_kernels()) {
      // The gradient of index_select is added up in any order on CUDA, that of index is not.
      std::vector<at::indexing::TensorIndex> place(static_cast<size_t>(dim), at::indexing::Slice());
      place.emplace_back(indices);
      io.out(0, data.index(place));
      return;
    }
    std::vector<int64_t> shape = data.sizes().vec();
    shape.erase(shape.begin() + dim);
    shape.insert(shape.begin() + dim, indices.sizes().begin(), indices.sizes().end());
    io.out(0, at::index_select(data, dim, indices.reshape(-1)).reshape(shape));
  };
}

int64_t product(at::IntArrayRef sizes) {
  return std::accumulate(sizes.begin(), sizes.end(), int64_t{1}, std::multiplies<>());
}

// 0, 1, ... along one axis of a shape of the given rank, times a step.
at::Tensor counted(int64_t extent, int64_t step, int64_t axis, int64_t rank, const at::TensorOptions& options) {
  std::vector<int64_t> shape(static_cast<size_t>(rank), 1);
  shape[static_cast<size_t>(axis)] = extent;
  return at::arange(extent, options).mul(step).reshape(shape);
}

// Position in a dense data of what indices, from the front along dim, name of it: GatherElements' rule.
at::Tensor element_positions(const at::Tensor& data, const at::Tensor& indices, int64_t dim) {
  const int64_t rank = data.dim();
  at::Tensor positions = indices.mul(product(data.sizes().slice(static_cast<size_t>(dim) + 1)));
  for (int64_t i = 0; i < rank; ++i) {
    if (i == dim) continue;
    const int64_t step = product(data.sizes().slice(static_cast<size_t>(i) + 1));
    positions = positions.add(counted(indices.size(i), step, i, rank, indices.options()));
  }
  return positions;
}

void check_elements(const at::Tensor& data, const at::Tensor& indices, int64_t dim) {
  bool fits = indices.dim() == data.dim();
  for (int64_t i = 0; fits && i < data.dim(); ++i) fits = i == dim || indices.size(i) <= data.size(i);
  if (!fits) {
    invalid("indices of shape ", shape_text(indices.sizes()), " do not fit the data ", shape_text(data.sizes()),
            " along axis ", dim);
  }
}

Run make_gather_elements(NodeReader& reader, const Fusion&) {
  reader.expect(2, 2);
  expect_indices(reader);
  const int64_t axis = reader.integer("axis", 0);
  return [axis](Io& io) {
    const at::Tensor& data = io.in(0);
    const int64_t dim = normalize_axis(axis, data.dim());
    check_elements(data, io.in(1), dim);
    const at::Tensor indices = from_front(io.in(1), io.host(1), data.size(dim));
    if (io.frame().own_kernels()) {
      io.out(0, at::gather(data, dim, indices));
      return;
    }
    const at::Tensor positions = element_positions(data, indices, dim);
    io.out(0, at::embedding(data.reshape({-1, 1}), positions).reshape(indices.sizes()));
  };
}

// Rows of data seen as [prod(front), prod(rest)], where front are its first batch + k axes, that the last axis of
// indices [batch..., ..., k] names.
struct Rows {
  at::Tensor positions;         // The shape of indices without its last axis.
  at::IntArrayRef rest;         // Data's axes behind those that are indexed.
  std::vector<int64_t> matrix;  // {rows, elements a row}.
};

Rows locate_rows(const Io& io, int64_t batch) {
  const at::Tensor& data = io.in(0);
  const at::Tensor& indices = io.in(1);
  const int64_t depth = indices.dim() == 0 ? 0 : indices.size(-1);
  if (indices.dim() <= batch || depth < 1 || batch + depth > data.dim()) {
    invalid("indices of shape ", shape_text(indices.sizes()), " do not fit the data ", shape_text(data.sizes()),
            " with batch_dims ", batch);
  }
  const int64_t rank = indices.dim() - 1;
  const at::IntArrayRef front = data.sizes().slice(0, static_cast<size_t>(batch + depth));
  const auto step = [front](int64_t axis) { return product(front.slice(static_cast<size_t>(axis) + 1)); };
  const at::Tensor host = io.host(1);
  Rows rows;
  for (int64_t k = 0; k < depth; ++k) {
    const at::Tensor column = from_front(indices.select(-1, k), host.select(-1, k), data.size(batch + k));
    const at::Tensor offset = column.mul(step(batch + k));
    rows.positions = k == 0 ? offset : rows.positions.add(offset);
  }
  for (int64_t i = 0; i < batch; ++i) {
    if (indices.size(i) != data.size(i)) {
      invalid("indices of shape ", shape_text(indices.sizes()), " and data ", shape_text(data.sizes()),
              " differ in batch axis ", i);
    }
    rows.positions = rows.positions.add(counted(indices.size(i), step(i), i, rank, indices.options()));
  }
  rows.rest = data.sizes().slice(static_cast<size_t>(batch + depth));
  rows.matrix = {product(front), product(rows.rest)};
  return rows;
}

Run make_gather_nd(NodeReader& reader, const Fusion&) {
  reader.expect(2, 2);
  expect_indices(reader);
  const int64_t batch = reader.integer("batch_dims", 0);
  if (batch < 0) invalid(reader.place(), ": attribute 'batch_dims' is ", batch);
  return [batch](Io& io) {
    const Rows rows = locate_rows(io, batch);
    std::vector<int64_t> shape = rows.positions.sizes().vec();
    shape.insert(shape.end(), rows.rest.begin(), rows.rest.end());
    io.out(0, at::embedding(io.in(0).reshape(rows.matrix), rows.positions.contiguous()).reshape(shape));
  };
}

// Whether updates are added to what is there rather than put in its place.
bool read_adds(NodeReader& reader) {
  const std::string reduction = reader.string("reduction", "none");
  if (reduction != "none" && reduction != "add") {
    invalid(reader.place(), ": attribute 'reduction' is '", reduction, "', supported are none and add");
  }
  return reduction == "add";
}

Run make_scatter_elements(NodeReader& reader, const Fusion&) {
  reader.expect(3, 3);
  expect_indices(reader);
  const int64_t axis = reader.integer("axis", 0);
  const bool adds = read_adds(reader);
  return [axis, adds](Io& io) {
    const at::Tensor& data = io.in(0);
    const int64_t dim = normalize_axis(axis, data.dim());
    check_elements(data, io.in(1), dim);
    if (io.in(2).sizes() != io.in(1).sizes()) {
      invalid("updates of shape ", shape_text(io.in(2).sizes()), " and indices of shape ", shape_text(io.in(1).sizes()),
              " differ");
    }
    const at::Tensor indices = from_front(io.in(1), io.host(1), data.size(dim));
    if (!adds) {
      io.out(0, at::scatter(data, dim, indices, io.in(2)));
    } else if (io.frame().own_kernels()) {
      io.out(0, at::scatter_add(data, dim, indices, io.in(2)));
    } else {
      const at::Tensor positions = element_positions(data, indices, dim).reshape(-1);
      const at::Tensor sum = at::index_put(data.reshape(-1), {positions}, io.in(2).reshape(-1), true);
      io.out(0, sum.reshape(data.sizes()));
    }
  };
}

Run make_scatter_nd(NodeReader& reader, const Fusion&) {
  reader.expect(3, 3);
  expect_indices(reader);
  const bool adds = read_adds(reader);
  return [adds](Io& io) {
    const at::Tensor& data = io.in(0);
    const Rows rows = locate_rows(io, 0);
    std::vector<int64_t> expected = rows.positions.sizes().vec();
    expected.insert(expected.end(), rows.rest.begin(), rows.rest.end());
    if (io.in(2).sizes() != at::IntArrayRef(expected)) {
      invalid("updates of shape ", shape_text(io.in(2).sizes()), ", expected ", shape_text(expected));
    }
    const at::Tensor positions = rows.positions.reshape(-1);
    const at::Tensor matrix = data.reshape(rows.matrix);
    const at::Tensor updates = io.in(2).reshape({positions.numel(), rows.matrix[1]});
    // On the CPU index_put adds floats in any order, index_add does so on CUDA.
    const at::Tensor result = adds && io.frame().own_kernels() ? at::index_add(matrix, 0, positions, updates)
                                                               : at::index_put(matrix, {positions}, updates, adds);
    io.out(0, result.reshape(data.sizes()));
  };
}

}  // namespace

const Operator kIndexingOperators[] = {{"Gather", make_gather},        {"GatherElements", make_gather_elements},
                                       {"GatherND", make_gather_nd},   {"ScatterElements", make_scatter_elements},
                                       {"ScatterND", make_scatter_nd}, {nullptr, nullptr}};

}  // namespace esper::host
