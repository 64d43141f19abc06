#!/usr/bin/env python3
"""Trains a small convolutional network on synthetic images and lets it grow, with plain PyTorch.

    python3 train.py PREFIX/lib/libesper_host.so

The same network without growth trains beside it, on the same batches. Two seeds germinate at different times, so that
the arena of parameters grows while its optimizer is under way: `lengthen` shows how the optimizer's state follows.
"""
import sys

import torch
from torch import nn

STEPS = 240
GERMINATIONS = {40: 0, 80: 2}  # step: seed
STAGES = ((40, "Blending"), (80, "Holding"), (100, "Fossilized"))  # steps after germination: stage
CLASSES = 4


class GrowingNet(nn.Module):
    """Two convolutions with a lattice of four seeds behind the first."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(1, 16, 3, stride=2, padding=1)
        self.lattice = torch.classes.esper.Lattice(16, 4, "nchw")
        self.theta = nn.Parameter(torch.empty(0))  # the parameters of all seeds
        self.head = nn.Sequential(
            nn.ReLU(), nn.Conv2d(16, 16, 3, stride=2, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
            nn.Linear(16, CLASSES))

    def forward(self, x):
        return self.head(torch.ops.esper.lattice(self.stem(x), self.theta, self.lattice))


def lengthen(parameter, data, optimizer):
    """Gives the parameter its longer data; the optimizer keeps what it knows of the old elements."""
    added = data.numel() - parameter.numel()
    parameter.data, parameter.grad = data, None
    state = optimizer.state.get(parameter, {})
    for name in ("exp_avg", "exp_avg_sq"):
        if name in state:
            state[name] = torch.cat([state[name], state[name].new_zeros(added)])


def grow(net, optimizer, step):
    """What the schedule asks for before this step."""
    lattice = net.lattice
    for start, seed in GERMINATIONS.items():
        if step == start:
            data = lattice.germinate(net.theta, seed, "bottleneck", rank=8, activation="gelu", key=seed)
            lengthen(net.theta, data, optimizer)
            lattice.set_stage(seed, "Training")
        for after, stage in STAGES:
            if step == start + after:
                lattice.set_stage(seed, stage)
        if lattice.stages()[seed] == "Blending":
            lattice.set_alpha(seed, min(1.0, (step - start - 40 + 1) / 30))


def batch(generator, count=64):
    """Images of a sinusoid over noise; the class is one of two directions times one of two frequencies."""
    label = torch.randint(CLASSES, (count,), generator=generator)
    axis = torch.linspace(0, 1, 16)
    phase = 6.2832 * torch.rand(count, 1, generator=generator)
    wave = torch.sin(6.2832 * (2 + 2 * (label % 2)).view(-1, 1) * axis + phase)
    image = torch.where((label // 2).bool().view(-1, 1, 1), wave.unsqueeze(1), wave.unsqueeze(2))
    image = image.expand(count, 16, 16)
    return (image + 1.5 * torch.randn(count, 16, 16, generator=generator)).unsqueeze(1), label


def evaluate(net):
    """Loss and accuracy on 2048 images that training never sees."""
    image, label = batch(torch.Generator().manual_seed(99), 2048)
    with torch.no_grad():
        logits = net(image)
    return nn.functional.cross_entropy(logits, label).item(), (logits.argmax(1) == label).float().mean().item()


def main(library):
    torch.ops.load_library(library)
    torch.manual_seed(3)
    growing, static = GrowingNet(), GrowingNet()
    static.load_state_dict(growing.state_dict())
    optimizers = [torch.optim.AdamW(net.parameters(), lr=3e-3) for net in (growing, static)]
    print(f"{'step':>5}  {'seeds 0 and 2':24} {'growing: loss, accuracy':>24}  {'static: loss, accuracy':>24}")
    generator = torch.Generator().manual_seed(1)
    for step in range(STEPS + 1):
        grow(growing, optimizers[0], step)
        if step % 40 == 0:
            stages = growing.lattice.stages()
            loss, accuracy = evaluate(growing)
            static_loss, static_accuracy = evaluate(static)
            print(f"{step:5}  {stages[0] + ', ' + stages[2]:24} {loss:15.4f} {accuracy:8.1%}"
                  f"  {static_loss:15.4f} {static_accuracy:8.1%}")
        image, label = batch(generator)
        for net, optimizer in zip((growing, static), optimizers):
            optimizer.zero_grad()
            nn.functional.cross_entropy(net(image), label).backward()
            optimizer.step()
    print(f"\nparameters: {sum(p.numel() for p in static.parameters())} static, "
          f"{sum(p.numel() for p in growing.parameters())} grown; one run, which shows the mechanism and no more\n")
    print(growing.lattice.describe(), end="")
    if evaluate(growing)[0] > 1.0:
        sys.exit("training did not get anywhere")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
