// Snapshots: copy on write by counting who holds a tensor's memory.
//
// Taking one hands out a second tensor over the same memory; whoever writes in place calls make_writable first, which
// copies only where somebody else still holds that memory. A snapshot that is gone before the next step costs nothing.
#pragma once

#include <vector>

#include "optimizer.h"
#include "site.h"

namespace esper::host {

// Another tensor over the same memory, unknown to autograd; undefined for an undefined one.
at::Tensor share(const at::Tensor& tensor);
Moments share(const Moments& moments);
// Gives the tensor memory of its own if it shares it. The tensor object, and what autograd knows of it, stay the same.
// Not in inference mode, whose tensors autograd refuses later.
void make_writable(const at::Tensor& tensor);
void make_writable(const Moments& moments);

// What a session is at one moment. Its tensors are never written.
struct Snapshot {
  uint64_t session = 0;  // Number of the session that it is of.
  std::vector<at::Tensor> parameters;
  std::vector<at::Tensor> buffers;
  std::vector<Moments> moments;  // By parameter.
  std::vector<SiteImage> sites;
  std::shared_ptr<const Optimizer::Settings> optimizer;
  int64_t dropout_counter = 0;

  // Further tensors over the same memory.
  Snapshot clone() const;
  // Bytes of all tensors, and of those whose memory somebody else holds too.
  void count(int64_t& bytes, int64_t& shared) const;
};

}  // namespace esper::host
