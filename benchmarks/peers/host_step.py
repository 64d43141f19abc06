#!/usr/bin/python3
"""Training step of the cnn3 hosts: Esper against eager PyTorch on the same libtorch, in one run.

In each round the PyTorch model takes its steps in this process, then host_step_bench takes its own, so that a noisy moment hits
both. Same architecture, batch, optimizer (SGD, Nesterov momentum 0.9, weight decay 5e-4) and synthetic data. Prints one JSON line a
host: medians over the rounds' medians in milliseconds, and the median of the rounds' ratios Esper / PyTorch.

Run:  ./build.sh build && /usr/bin/python3 benchmarks/peers/host_step.py [--rounds 7] [--steps 30] [--threads 2]
Needs a PyTorch for Python (Debian: python3-torch).
"""
import argparse
import json
import pathlib
import statistics
import subprocess
import time

import torch
from torch import nn

ROOT = pathlib.Path(__file__).resolve().parents[2]
HOSTS = {"cnn3": (32, 64, 128), "cnn3:16-32-64": (16, 32, 64)}


class Cnn3(nn.Module):
    def __init__(self, widths):
        super().__init__()
        layers, channels = [], 3
        for width in widths:
            layers += [nn.Conv2d(channels, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU(), nn.MaxPool2d(2)]
            channels = width
        self.features, self.head = nn.Sequential(*layers), nn.Linear(channels, 10)

    def forward(self, x):
        return self.head(self.features(x).mean((2, 3)))


class Peer:
    """One host with its optimizer and a fixed batch."""

    def __init__(self, widths, batch):
        generator = torch.Generator().manual_seed(2)
        self.images = torch.randn(batch, 3, 32, 32, generator=generator)
        self.labels = torch.randint(0, 10, (batch,), generator=generator)
        self.model = Cnn3(widths)
        self.optimizer = torch.optim.SGD(self.model.parameters(), 0.01, 0.9, weight_decay=5e-4, nesterov=True)

    def step(self):
        start = time.perf_counter()
        self.optimizer.zero_grad(set_to_none=True)
        loss = nn.functional.cross_entropy(self.model(self.images), self.labels)
        loss.backward()
        self.optimizer.step()
        loss.item()
        return (time.perf_counter() - start) * 1e3

    def median(self, steps):
        for _ in range(5):
            self.step()
        return statistics.median(self.step() for _ in range(steps))


def esper(program, steps, batch, threads):
    command = [program, "--steps", str(steps), "--batch", str(batch), "--threads", str(threads)]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    return {row["host"]: row["step_ms"] for row in map(json.loads, lines)}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--program", default=str(ROOT / "artifacts/build/release/bin/host_step_bench"))
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    peers = {name: Peer(widths, options.batch) for name, widths in HOSTS.items()}
    ours, theirs = {name: [] for name in HOSTS}, {name: [] for name in HOSTS}
    for _ in range(options.rounds):
        for name, peer in peers.items():
            theirs[name].append(peer.median(options.steps))
        for name, milliseconds in esper(options.program, options.steps, options.batch, options.threads).items():
            ours[name].append(milliseconds)
    for name in HOSTS:
        ratios = sorted(a / b for a, b in zip(ours[name], theirs[name]))
        print(json.dumps({
            "host": name, "batch": options.batch, "threads": options.threads, "rounds": options.rounds, "steps": options.steps,
            "esper_ms": round(statistics.median(ours[name]), 3), "pytorch_ms": round(statistics.median(theirs[name]), 3),
            "ratio": round(statistics.median(ratios), 4), "ratio_min": round(ratios[0], 4), "ratio_max": round(ratios[-1], 4),
            "torch": torch.__version__}))


if __name__ == "__main__":
    main()
