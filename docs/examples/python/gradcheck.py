#!/usr/bin/env python3
"""Checks the operator's gradients: float64 against finite differences, float32 against float64.

    python3 gradcheck.py PREFIX/lib/libesper_host.so

float64 tensors run the reference implementation, float32 ones the kernels. The error is the normalised mean square
sum (a - b)^2 / sum b^2; the kernels promise at most 1e-10 (docs/numerics.md).
"""
import sys

import torch

CASES = [  # family, arguments of germinate
    ("affine", {}),
    ("lowrank", {"rank": 3}),
    ("bottleneck", {"rank": 5, "activation": "gelu"}),
    ("bottleneck", {"rank": 5, "activation": "silu", "blend": "channel"}),
    ("lowrank", {"rank": 2, "blend": "gated"}),
    ("affine", {"blend": "confidence"}),
    ("gate", {"rank": 3, "activation": "tanh"}),
    ("depthwise", {"kernel": 3, "activation": "gelu"}),
]
LAYOUTS = {"nchw": (2, 8, 3, 4), "tokens": (2, 6, 8)}


def make(family, arguments, layout):
    """A lattice of two seeds, both blended at 0.7, and an arena far from its initial values."""
    lattice = torch.classes.esper.Lattice(8, 2, layout)
    theta = torch.empty(0, dtype=torch.float64)
    for seed in range(2):
        theta = lattice.germinate(theta, seed, family, key=seed, **arguments)
        for stage in ("Training", "Blending"):
            lattice.set_stage(seed, stage)
        lattice.set_alpha(seed, 0.7)
        lattice.set_confidence(seed, k=2.0, tau=0.5, lo=0.0, hi=0.9)
    return lattice, theta + 0.3 * torch.randn_like(theta)


def error(a, b):
    return ((a.double() - b).square().sum() / b.square().sum()).item()


def compare(lattice, x, theta):
    """Errors of value and gradients in float32 against float64."""
    results = []
    upstream = torch.randn_like(x)
    for kind in (torch.float64, torch.float32):
        leaves = [t.to(kind).requires_grad_() for t in (x, theta)]
        y = torch.ops.esper.lattice(*leaves, lattice)
        results.append((y.detach(), *torch.autograd.grad(y, leaves, upstream.to(kind))))
    return [error(single, double) for double, single in zip(*results)]


def main(library):
    torch.ops.load_library(library)
    torch.manual_seed(5)
    failures, refused = 0, []
    print(f"{'module':32} {'layout':8} gradcheck   error of y       dx   dtheta")
    for family, arguments in CASES:
        name = " ".join([family, *map(str, arguments.values())])
        for layout, shape in LAYOUTS.items():
            try:
                lattice, theta = make(family, arguments, layout)
            except RuntimeError as reason:
                refused.append(f"{name}, {layout}: {reason}")
                continue
            # Values that float32 holds exactly, so that both types see the same numbers.
            x, theta = (t.float().double() for t in (torch.randn(shape), theta))
            leaves = [t.clone().requires_grad_() for t in (x, theta)]
            exact = torch.autograd.gradcheck(lambda *t: torch.ops.esper.lattice(*t, lattice), leaves,
                                             rtol=1e-5, atol=1e-7, raise_exception=False)
            errors = compare(lattice, x, theta)
            good = exact and max(errors) <= 1e-10
            failures += not good
            print(f"{name:32} {layout:8} {'exact' if exact else 'WRONG':9} {''.join(f'{e:12.1e}' for e in errors)}"
                  f"{'' if good else '   FAILED'}")
    for text in refused:
        print(f"refused  {text}")
    if failures:
        sys.exit(f"{failures} cases failed")
    return refused


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
