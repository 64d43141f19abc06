#!/usr/bin/env python3
"""A lattice on the GPU: Esper's kernels against eager PyTorch, on the same tensors, interleaved in one run.

Eager is what a PyTorch user would write: split, two products and a GELU a seed, x + alpha g(x) in one operation, cat,
with autograd; float32 without TF32, as Esper computes. Esper is its C interface, driven through ctypes on the tensors'
own memory and on PyTorch's current stream. A third column launches Esper's kernels once a seed, in place, to tell
fusion across seeds from fusion inside one. Before anything is timed, values and gradients are compared. Prints one JSON line
for each case, share of active seeds and storage: medians and minima of the seconds, the median of the rounds' ratios.

Run:  benchmarks/peers/lattice_cuda.py --library artifacts/build/gpu/lib/libesper.so [--json FILE] [--rounds 20]
Needs a PyTorch with CUDA. --scale N divides the rows, to try the program; --device cpu runs float32 on the
tests' fake driver.
"""
import argparse
import ctypes as ct
import json
import statistics
import sys
import time

import torch
import torch.nn as nn

CASES = [  # name, layout, shape, seeds, rank
    ("tok_65536x4096_s64", "tokens", (65536, 4096), 64, 16),
    ("tok_65536x1024_s16", "tokens", (65536, 1024), 16, 16),
    ("conv_256x256x32_s16", "nchw", (256, 256, 32, 32), 16, 8),
]
ACTIVE = (0.125, 0.5, 1.0)
DTYPES = [(torch.float32, 0), (torch.float16, 1), (torch.bfloat16, 2)]
ALPHA = 0.3
BLENDING, DORMANT, BOTTLENECK, GELU, TOKENS, NCHW = 3, 0, 2, 1, 1, 0


class SeedDescription(ct.Structure):
    """esper_lattice_seed"""

    _fields_ = [(name, ct.c_uint32 if name in ("struct_size", "flags") else ct.c_int32) for name in (
        "struct_size", "stage", "channel_begin", "channel_count", "family", "activation", "rank", "blend", "flags")]
    _fields_ += [(name, ct.c_float) for name in (
        "alpha", "kappa", "confidence_k", "confidence_tau", "confidence_lo", "confidence_hi", "margin",
        "learning_rate_scale")]
    _fields_ += [("kernel", ct.c_int32), ("parameter_offset", ct.c_int64)]


class Shape(ct.Structure):
    """esper_shape"""

    _fields_ = [("struct_size", ct.c_uint32), ("layout", ct.c_int32), ("batch", ct.c_int64), ("positions", ct.c_int64),
                ("width", ct.c_int64)]


class CudaOptions(ct.Structure):
    """esper_cuda_options"""

    _fields_ = [("struct_size", ct.c_uint32), ("device", ct.c_int32), ("blocks", ct.c_int32), ("source", ct.c_int32),
                ("cache_dir", ct.c_char_p)]


class Library:
    """libesper with its structs checked."""

    def __init__(self, path):
        self.c = ct.CDLL(path)
        self.c.esper_last_error.restype = ct.c_char_p
        for name, struct in (("esper_lattice_seed", SeedDescription), ("esper_shape", Shape),
                             ("esper_cuda_options", CudaOptions)):
            size = self.c.esper_struct_size(name.encode())
            if size != ct.sizeof(struct):
                sys.exit(f"{path}: {name} has {size} bytes, this script expects {ct.sizeof(struct)}")
        pointer, count = ct.c_void_p, ct.c_int64
        self.c.esper_cuda_lattice_forward.argtypes = [pointer, pointer, pointer, count, pointer, pointer]
        self.c.esper_cuda_lattice_backward.argtypes = [pointer, pointer, pointer, count] + [pointer] * 6
        for name in ("esper_lattice_destroy", "esper_cuda_lattice_destroy", "esper_cuda_destroy"):
            getattr(self.c, name).argtypes = [pointer]
            getattr(self.c, name).restype = None

    def check(self, status):
        if status != 0:
            sys.exit("libesper: " + self.c.esper_last_error().decode())

    def cuda(self):
        options, handle = CudaOptions(ct.sizeof(CudaOptions)), ct.c_void_p()
        self.check(self.c.esper_cuda_create(ct.byref(options), ct.byref(handle)))
        return handle


class Seed(nn.Module):
    def __init__(self, channels, rank, conv):
        super().__init__()
        make = (lambda i, o: nn.Conv2d(i, o, 1)) if conv else nn.Linear
        self.down, self.up = make(channels, rank), make(rank, channels)

    def forward(self, x):
        return self.up(nn.functional.gelu(self.down(x)))

    def flat(self):
        parts = (self.down.weight, self.down.bias, self.up.weight, self.up.bias)
        return torch.cat([p.detach().float().reshape(-1) for p in parts])

    def flat_gradient(self):
        parts = (self.down.weight, self.down.bias, self.up.weight, self.up.bias)
        return torch.cat([p.grad.float().reshape(-1) for p in parts])


class EagerLattice(nn.Module):
    def __init__(self, channels, seeds, rank, conv, active):
        super().__init__()
        self.dim, self.size = (1 if conv else -1), channels // seeds
        self.modules_of = nn.ModuleList(Seed(self.size, rank, conv) for _ in range(active))

    def forward(self, x):
        out = []
        for i, chunk in enumerate(torch.split(x, self.size, self.dim)):
            active = i < len(self.modules_of)
            out.append(torch.add(chunk, self.modules_of[i](chunk), alpha=ALPHA) if active else chunk)
        return torch.cat(out, self.dim)


class EsperLattice:
    """One device lattice: the seeds from first on, up to last; theta is that of the whole site."""

    def __init__(self, library, cuda, case, active, dtype, theta, first, last):
        _, layout, size, seeds, rank = case
        channels = size[1] if layout == "nchw" else size[-1]
        width = channels // seeds
        count = theta.numel() // active
        self.library, self.theta = library, theta
        descriptions = (SeedDescription * (last - first))()
        for entry, i in zip(descriptions, range(first, last)):
            entry.struct_size, entry.stage = ct.sizeof(entry), BLENDING if i < active else DORMANT
            entry.channel_begin, entry.channel_count = width * i, width
            entry.family, entry.activation, entry.rank = BOTTLENECK, GELU, rank
            entry.alpha, entry.learning_rate_scale = ALPHA, 1.0
            entry.parameter_offset = count * i if i < active else 0
        if layout == "nchw":
            shape = Shape(ct.sizeof(Shape), NCHW, size[0], size[2] * size[3], size[3])
        else:
            shape = Shape(ct.sizeof(Shape), TOKENS, 1, size[0], 0)
        lattice = ct.c_void_p()
        library.check(library.c.esper_lattice_create(channels, descriptions, last - first, ct.byref(lattice)))
        self.handle = ct.c_void_p()
        library.check(library.c.esper_cuda_lattice_create(cuda, lattice, ct.byref(shape), dtype, ct.byref(self.handle)))
        library.c.esper_lattice_destroy(lattice)

    def forward(self, stream, x, y):
        self.library.check(self.library.c.esper_cuda_lattice_forward(
            self.handle, stream, self.theta.data_ptr(), self.theta.numel(), x.data_ptr(), y.data_ptr()))

    def backward(self, stream, x, dy, dx, dtheta):
        self.library.check(self.library.c.esper_cuda_lattice_backward(
            self.handle, stream, self.theta.data_ptr(), self.theta.numel(), x.data_ptr(), dy.data_ptr(), dx.data_ptr(),
            dtheta.data_ptr(), None, None))

    def close(self):
        self.library.c.esper_cuda_lattice_destroy(self.handle)


def relative(a, b):
    return float((a.double() - b.double()).norm() / b.double().norm())


class Bench:
    def __init__(self, arguments):
        self.arguments = arguments
        self.device = torch.device(arguments.device)
        self.library = Library(arguments.library)
        self.cuda = self.library.cuda()
        self.out = open(arguments.json, "w", encoding="utf-8") if arguments.json else None

    def sync(self):
        if self.device.type == "cuda":
            torch.cuda.synchronize()

    def stream(self):
        return torch.cuda.current_stream().cuda_stream if self.device.type == "cuda" else None

    def seconds(self, work):
        if self.device.type == "cuda":
            start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
            start.record()
            work()
            end.record()
            end.synchronize()
            return start.elapsed_time(end) * 1e-3
        start = time.perf_counter()
        work()
        return time.perf_counter() - start

    def compare(self, case, eager, fused, single, x, dy, theta_gradient, dtype):
        """Values and gradients of all three; the bound is the storage's rounding, a few times over."""
        y, dx = torch.empty_like(x), torch.empty_like(x)
        theta_gradient.zero_()
        fused.forward(self.stream(), x, y)
        fused.backward(self.stream(), x, dy, dx, theta_gradient)
        leaf = x.detach().clone().requires_grad_(True)
        expected = eager(leaf)
        expected.backward(dy)
        gradient = torch.cat([m.flat_gradient() for m in eager.modules_of])
        one_by_one = x.clone()
        for lattice in single:
            lattice.forward(self.stream(), one_by_one, one_by_one)
        self.sync()
        bound = {torch.float32: 1e-4, torch.float16: 4e-3, torch.bfloat16: 3e-2}[dtype]
        pairs = (("y", y, expected), ("dx", dx, leaf.grad), ("dtheta", theta_gradient, gradient),
                 ("y, seed by seed", one_by_one, y))
        for name, a, b in pairs:
            if not relative(a, b) <= bound:
                sys.exit(f"{case[0]}, {dtype}: {name} is off by {relative(a, b):.3g} of its size, bound {bound:g}")

    def run(self, case, share, dtype, code):
        name, layout, size, seeds, rank = case
        case = (name, layout, (max(1, size[0] // self.arguments.scale),) + size[1:], seeds, rank)
        size, conv = case[2], layout == "nchw"
        channels, active = size[1] if conv else size[-1], max(1, round(seeds * share))
        torch.manual_seed(1)
        x = torch.randn(size, device=self.device).to(dtype)
        dy = torch.randn(size, device=self.device).to(dtype)
        eager = EagerLattice(channels, seeds, rank, conv, active).to(self.device, dtype)
        theta = torch.cat([m.flat() for m in eager.modules_of]).contiguous()
        theta_gradient = torch.zeros_like(theta)
        fused = EsperLattice(self.library, self.cuda, case, active, code, theta, 0, seeds)
        single = [EsperLattice(self.library, self.cuda, case, active, code, theta, i, i + 1) for i in range(active)]
        self.compare(case, eager, fused, single, x, dy, theta_gradient, dtype)
        y, dx, in_place = torch.empty_like(x), torch.empty_like(x), x.clone()
        leaf = x.detach().clone().requires_grad_(True)

        def eager_forward():
            with torch.no_grad():
                eager(x)

        def eager_both():
            leaf.grad = None
            eager.zero_grad(set_to_none=True)
            eager(leaf).backward(dy)

        def esper_both():
            theta_gradient.zero_()
            fused.forward(self.stream(), x, y)
            fused.backward(self.stream(), x, dy, dx, theta_gradient)

        # In place, every launch would change its own input for the next round: restored outside of the timing.
        work = {"eager_forward": eager_forward, "esper_forward": lambda: fused.forward(self.stream(), x, y),
                "esper_forward_in_place": lambda: fused.forward(self.stream(), in_place, in_place),
                "seed_by_seed_forward_in_place":
                    lambda: [s.forward(self.stream(), in_place, in_place) for s in single],
                "eager_both": eager_both, "esper_both": esper_both}
        times = {key: [] for key in work}
        for step in range(-3, self.arguments.rounds):
            for key, body in work.items():
                if "in_place" in key:
                    in_place.copy_(x)
                    self.sync()
                taken = self.seconds(body)
                if step >= 0:
                    times[key].append(taken)
        self.report(case, active, dtype, times)
        for lattice in single + [fused]:
            lattice.close()

    def report(self, case, active, dtype, times):
        def ratio(slow, fast):
            return statistics.median(a / b for a, b in zip(times[slow], times[fast]))

        name, layout, size, seeds, rank = case
        line = dict(bench="lattice_cuda", case=name, layout=layout, shape=size, seeds=seeds, rank=rank, active=active,
                    dtype=str(dtype).split(".")[-1], rounds=self.arguments.rounds,
                    forward_ratio=ratio("eager_forward", "esper_forward"),
                    in_place_ratio=ratio("eager_forward", "esper_forward_in_place"),
                    both_ratio=ratio("eager_both", "esper_both"),
                    seed_by_seed_ratio=ratio("seed_by_seed_forward_in_place", "esper_forward_in_place"),
                    torch=torch.__version__,
                    device=torch.cuda.get_device_name() if self.device.type == "cuda" else "cpu")
        for key, values in times.items():
            line[key + "_s"] = statistics.median(values)
            line[key + "_min_s"] = min(values)
        text = json.dumps(line)
        print(text, flush=True)
        if self.out:
            print(text, file=self.out, flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--library", default="artifacts/build/gpu/lib/libesper.so")
    parser.add_argument("--json")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--scale", type=int, default=1)
    parser.add_argument("--device", default="cuda")
    arguments = parser.parse_args()
    if arguments.device == "cuda" and not torch.cuda.is_available():
        sys.exit("This PyTorch sees no GPU.")
    bench = Bench(arguments)
    with torch.backends.cudnn.flags(enabled=True, benchmark=True, allow_tf32=False):
        for case in CASES:
            for dtype, code in DTYPES if arguments.device == "cuda" else DTYPES[:1]:
                for share in ACTIVE:
                    bench.run(case, share, dtype, code)


if __name__ == "__main__":
    main()
