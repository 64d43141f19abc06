"""Behaviour of torch.ops.esper.lattice and torch.classes.esper.Lattice: operator_test.py LIBRARY.

With ESPER_HOST_CUDA_TENSORS=cpu in the environment everything but float64 runs as on a GPU (see docs/cuda.md).
"""
import copy
import io
import os
import sys
import threading
import unittest

import torch

LIBRARY = sys.argv.pop(1)
torch.ops.load_library(LIBRARY)
lattice_op = torch.ops.esper.lattice
ON_DEVICE = os.environ.get("ESPER_HOST_CUDA_TENSORS") == "cpu"
torch.backends.cudnn.benchmark = True  # The caller's own choice; see Settings.


def make(layout="tokens", stage="Blending", alpha=0.5, blend="residual", kind=torch.float32):
    """16 channels in four seeds; seeds 2 and 0 have modules, in this order in theta."""
    lattice = torch.classes.esper.Lattice(16, 4, layout)
    theta = torch.empty(0, dtype=kind)
    for seed in (2, 0):
        theta = lattice.germinate(theta, seed, "bottleneck", rank=3, activation="gelu", blend=blend, key=seed)
        for step in ("Training", "Blending", "Holding", "Fossilized"):
            if lattice.stages()[seed] == stage or stage == "Germinated":
                break
            lattice.set_stage(seed, step)
        lattice.set_alpha(seed, alpha)
    generator = torch.Generator().manual_seed(1)
    theta = theta + 0.3 * torch.randn(theta.shape, generator=generator, dtype=kind)
    return lattice, theta.requires_grad_()


def tokens(kind=torch.float32, **more):
    return torch.randn(3, 5, 16, generator=torch.Generator().manual_seed(2), dtype=kind).requires_grad_(**more)


class Stages(unittest.TestCase):
    def test_what_has_no_effect_returns_the_same_tensor(self):
        for stage in ("Dormant", "Germinated"):
            with self.subTest(stage):
                lattice, theta = make(stage="Germinated")
                if stage == "Dormant":
                    lattice, theta = torch.classes.esper.Lattice(16, 4, "tokens"), torch.empty(0, requires_grad=True)
                x = tokens()
                y = lattice_op(x, theta, lattice)
                self.assertIs(y, x)
                self.assertIsNone(y.grad_fn)

    def test_alpha_zero_returns_the_same_tensor(self):
        lattice, theta = make(alpha=0.0)
        x = tokens()
        self.assertIs(lattice_op(x, theta, lattice), x)

    def test_training_is_not_felt_by_the_host(self):
        lattice, theta = make(stage="Training")
        x = tokens()
        y = lattice_op(x, theta, lattice)
        self.assertTrue(torch.equal(y, x))
        upstream = torch.randn_like(x)
        y.backward(upstream)
        self.assertTrue(torch.equal(x.grad, upstream))
        self.assertGreater(theta.grad.abs().max().item(), 0)

    def test_training_gradient_is_that_of_the_module_on_constant_input(self):
        lattice, theta = make(stage="Training", kind=torch.float64)
        for seed in (0, 2):
            lattice.set_kappa(seed, 0.25)
        full, _ = make(stage="Fossilized", alpha=1.0, kind=torch.float64)
        x, upstream = tokens(torch.float64), torch.randn(3, 5, 16, dtype=torch.float64)
        got, = torch.autograd.grad(lattice_op(x, theta, lattice), theta, upstream)
        z = lattice_op(x.detach(), theta, full)  # x + g(x)
        expected, = torch.autograd.grad(z, theta, upstream + 0.25 * (z.detach() - x.detach()))
        torch.testing.assert_close(got, expected, rtol=1e-12, atol=1e-12)

    def test_training_costs_nothing_where_nothing_is_recorded(self):
        lattice, theta = make(stage="Training")
        x = tokens(requires_grad=False)
        with torch.no_grad():
            self.assertIs(lattice_op(x, theta, lattice), x)
        self.assertIs(lattice_op(x, theta.detach(), lattice), x)

    def test_one_is_the_module_and_the_host_of_other_channels(self):
        lattice, theta = make(alpha=1.0)
        x = tokens()
        y = lattice_op(x, theta, lattice)
        self.assertTrue(torch.equal(y[..., 4:8], x[..., 4:8]) and torch.equal(y[..., 12:], x[..., 12:]))
        self.assertFalse(torch.equal(y[..., :4], x[..., :4]))

    def test_inference_mode(self):
        lattice, theta = make()
        x = tokens()
        with torch.inference_mode():
            y = lattice_op(x, theta, lattice)
        self.assertTrue(torch.equal(y, lattice_op(x, theta, lattice)))

    def test_frozen_seeds_take_no_gradient(self):
        lattice, theta = make()
        lattice.freeze(2)
        begin, end = lattice.parameter_range(2)
        gradient, = torch.autograd.grad(lattice_op(tokens(), theta, lattice).sum(), theta)
        self.assertEqual(gradient[begin:end].abs().max().item(), 0)
        self.assertGreater(gradient[end:].abs().max().item(), 0)
        lattice.freeze(2, False)
        gradient, = torch.autograd.grad(lattice_op(tokens(), theta, lattice).sum(), theta)
        self.assertGreater(gradient[begin:end].abs().max().item(), 0)

    def test_backward_sees_the_seeds_of_its_forward(self):
        lattice, theta = make()
        x = tokens()
        expected = torch.autograd.grad(lattice_op(x, theta, lattice).square().sum(), (x, theta))
        y = lattice_op(x, theta, lattice).square().sum()
        for seed in (0, 2):
            lattice.set_alpha(seed, 1.0)
            lattice.set_stage(seed, "Culled")
        got = torch.autograd.grad(y, (x, theta))
        self.assertTrue(all(map(torch.equal, got, expected)))


class Gradients(unittest.TestCase):
    def test_float64_against_finite_differences(self):
        for blend in ("convex", "channel", "gated", "confidence"):
            with self.subTest(blend):
                lattice, theta = make(blend=blend, kind=torch.float64)
                self.assertTrue(torch.autograd.gradcheck(lambda x, t: lattice_op(x, t, lattice),
                                                         (tokens(torch.float64), theta), rtol=1e-5, atol=1e-7))

    def test_each_input_alone(self):
        lattice, theta = make()
        x = tokens()
        both = torch.autograd.grad(lattice_op(x, theta, lattice).square().sum(), (x, theta))
        dx, = torch.autograd.grad(lattice_op(x, theta.detach(), lattice).square().sum(), x)
        dtheta, = torch.autograd.grad(lattice_op(x.detach(), theta, lattice).square().sum(), theta)
        self.assertTrue(torch.equal(dx, both[0]) and torch.equal(dtheta, both[1]))

    def test_alpha(self):
        lattice, theta = make(kind=torch.float64)
        x = tokens(torch.float64)
        alpha = torch.tensor([0.25, 0.9, 0.5, 0.9], requires_grad=True)  # Seeds 1 and 3 have no module.
        upstream = torch.randn_like(x)
        y = lattice_op(x, theta, alpha, lattice)
        gradient, = torch.autograd.grad(y, alpha, upstream)
        for seed in range(4):
            # The value is linear in alpha, so that the difference is exact.
            step = torch.zeros(4)
            step[seed] = 0.0625
            with torch.no_grad():
                sides = [lattice_op(x, theta, alpha + sign * step, lattice) for sign in (1, -1)]
                slope = ((sides[0] - sides[1]) * upstream).sum().item() / 0.125
            self.assertAlmostEqual(gradient[seed].item(), slope, places=4)
            self.assertEqual(seed in (0, 2), gradient[seed].item() != 0)
        for seed in (0, 2):
            lattice.set_alpha(seed, alpha[seed].item())
        self.assertTrue(torch.equal(y, lattice_op(x, theta, lattice)))

    def test_second_derivatives_are_refused(self):
        for stage in ("Blending", "Training"):
            lattice, theta = make(stage=stage)
            first, = torch.autograd.grad(lattice_op(tokens(), theta, lattice).square().sum(), theta, create_graph=True)
            with self.assertRaisesRegex(RuntimeError, "first derivatives only"):
                first.sum().backward()

    def test_changing_x_in_place_is_noticed(self):
        lattice, theta = make()
        x = tokens(requires_grad=False)
        y = lattice_op(x, theta, lattice)
        x.add_(1)
        with self.assertRaisesRegex(RuntimeError, "inplace"):
            y.sum().backward()


class Layouts(unittest.TestCase):
    def test_images_in_both_memory_formats_and_as_tokens(self):
        images, theta = make("nchw")
        sequence, _ = make("tokens")
        x = torch.randn(2, 16, 6, 7)
        upstream = torch.randn_like(x)
        results = []
        for view, lattice, back in (
                (x, images, lambda t: t),
                (x.contiguous(memory_format=torch.channels_last), images, lambda t: t),
                (x.permute(0, 2, 3, 1).contiguous(), sequence, lambda t: t.permute(0, 3, 1, 2))):
            leaf = view.clone(memory_format=torch.preserve_format).requires_grad_()
            y = lattice_op(leaf, theta, lattice)
            self.assertEqual(y.stride(), leaf.stride())
            gradients = torch.autograd.grad(back(y), (leaf, theta), upstream)
            results.append((back(y), back(gradients[0]), gradients[1]))
        for other in results[1:]:
            for a, b in zip(results[0], other):
                torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5)

    def test_strided_input(self):
        lattice, theta = make()
        x = torch.randn(3, 16, 5).transpose(1, 2).requires_grad_()
        y = lattice_op(x, theta, lattice)
        dx, = torch.autograd.grad(y.square().sum(), x)
        dense = x.detach().contiguous().requires_grad_()
        z = lattice_op(dense, theta, lattice)
        self.assertTrue(torch.equal(y, z))
        self.assertTrue(torch.equal(dx, torch.autograd.grad(z.square().sum(), dense)[0]))

    def test_empty(self):
        lattice, theta = make()
        self.assertEqual(lattice_op(torch.empty(0, 5, 16), theta, lattice).shape, (0, 5, 16))


class Arena(unittest.TestCase):
    def test_germination_appends_and_release_cuts_out(self):
        lattice, theta = make()
        first, second = lattice.parameter_range(2), lattice.parameter_range(0)
        self.assertEqual((first[0], first[1]), (0, second[0]))
        self.assertEqual(second[1], theta.numel())
        grown = lattice.germinate(theta, 3, "affine")
        self.assertTrue(torch.equal(grown[:theta.numel()], theta))
        self.assertEqual(grown[theta.numel():].abs().max().item(), 0)
        self.assertFalse(grown.requires_grad)
        lattice.set_stage(2, "Culled")
        cut = lattice.release(grown, 2)
        self.assertTrue(torch.equal(cut, grown[first[1]:]))
        self.assertEqual(lattice.parameter_range(2), (0, 0))
        self.assertEqual(lattice.parameter_range(0), (0, second[1] - second[0]))
        self.assertEqual(lattice.stages(), ["Blending", "Dormant", "Dormant", "Germinated"])
        self.assertEqual(lattice.parameter_count(), cut.numel())

    def test_germination_moves_no_value(self):
        lattice = torch.classes.esper.Lattice(16, 4, "tokens")
        theta = lattice.germinate(torch.empty(0), 1, "bottleneck", rank=8)
        for stage in ("Training", "Blending"):
            lattice.set_stage(1, stage)
        lattice.set_alpha(1, 1.0)
        x = tokens()
        self.assertTrue(torch.equal(lattice_op(x, theta, lattice), x))

    def test_keys(self):
        def start(key):
            return torch.classes.esper.Lattice(16, 4, "tokens").germinate(torch.empty(0), 1, "lowrank", rank=4, key=key)
        self.assertTrue(torch.equal(start(1), start(1)))
        self.assertFalse(torch.equal(start(1), start(2)))

    def test_channel_ranges_cover_the_channels(self):
        lattice = torch.classes.esper.Lattice(10, 4)
        self.assertEqual([lattice.channel_range(s) for s in range(4)], [(0, 3), (3, 6), (6, 8), (8, 10)])


class Saving(unittest.TestCase):
    def test_pickle_keeps_everything(self):
        lattice, theta = make("nchw", blend="confidence")
        lattice.set_confidence(2, 3.0, 0.25, 0.125, 0.75)
        lattice.set_margin(2, 0.5)
        lattice.freeze(0)
        lattice.germinate(theta, 1, "affine")
        file = io.BytesIO()
        torch.save({"lattice": lattice, "theta": theta}, file)
        file.seek(0)
        options = {"weights_only": False} if torch.__version__ >= "2" else {}
        loaded = torch.load(file, **options)
        self.assertEqual(loaded["lattice"].describe(), lattice.describe())
        self.assertEqual(loaded["lattice"].__getstate__(), lattice.__getstate__())
        self.assertEqual(loaded["lattice"].layout(), "nchw")

    def test_deep_copies_are_independent(self):
        lattice, _ = make()
        other = copy.deepcopy(lattice)
        other.set_alpha(0, 1.0)
        self.assertEqual(lattice.alphas()[0], 0.5)
        self.assertEqual(other.alphas()[0], 1.0)

    def test_damaged_states_are_refused(self):
        lattice = make()[0]
        (layout, integers, reals), name = lattice.__getstate__()
        wrong = [
            (layout, [[2, 16, 4]] + integers[1:], reals),         # another format
            (layout, integers[:-1], reals),                       # a seed short
            (layout, integers[:-1] + [integers[1]], reals),       # a seed twice
            (layout, [integers[0], integers[1][:-1], integers[2]], reals),
            (layout, [integers[0], [2, 0] + integers[1][2:], integers[2]], reals),  # a module in Dormant
            (layout, [integers[0], [7] + integers[1][1:], integers[2]], reals),     # no such seed
            (layout, integers, [[2.0] + reals[0][1:], reals[1]]),                   # alpha 2
            ("rows", integers, reals),
        ]
        for state in wrong:
            with self.subTest(state), self.assertRaises(RuntimeError):
                type(lattice).__new__(type(lattice)).__setstate__((state, name))
        whole = type(lattice).__new__(type(lattice))
        whole.__setstate__(((layout, integers, reals), name))
        self.assertEqual(whole.describe(), lattice.describe())


class Errors(unittest.TestCase):
    def test_messages_name_the_argument(self):
        lattice, theta = make()
        x = tokens(requires_grad=False)
        for text, call in {
            **({} if ON_DEVICE else {"x is Half": lambda: lattice_op(x.half(), theta, lattice)}),
            "theta is Double, expected float32" if ON_DEVICE else "theta is Double and x Float":
                lambda: lattice_op(x, theta.double(), lattice),
            "on meta": lambda: lattice_op(x.to("meta"), theta, lattice),
            r"x has shape \[3, 5\], expected \[..., 16\]": lambda: lattice_op(x[..., 0], theta, lattice),
            r"theta has shape \[0\]": lambda: lattice_op(x, torch.empty(0), lattice),
            r"alpha is .* expected \[4\]": lambda: lattice_op(x, theta, torch.zeros(3), lattice),
            r"seed 4 is outside \[0, 4\)": lambda: lattice.set_alpha(4, 0.5),
            "seed 1 has no module": lambda: lattice.set_alpha(1, 0.5),
            "seed 0: .*alpha": lambda: lattice.set_alpha(0, 1.5),
            "kappa": lambda: lattice.set_kappa(0, -1.0),
            "seed 0 has a module already": lambda: lattice.germinate(theta, 0, "affine"),
            "family is 'conv', expected one of affine": lambda: lattice.germinate(theta, 1, "conv"),
            "activation is 'swish'": lambda: lattice.germinate(theta, 1, "affine", activation="swish"),
            "blend is 'max'": lambda: lattice.germinate(theta, 1, "affine", blend="max"),
            "rank": lambda: lattice.germinate(theta, 1, "lowrank"),
            "theta has 3 elements": lambda: lattice.germinate(torch.empty(3), 1, "affine"),
            "from Blending to Training": lambda: lattice.set_stage(0, "Training"),
            "stage is 'blending', expected one of Dormant": lambda: lattice.set_stage(0, "blending"),
            "by release": lambda: lattice.set_stage(0, "Dormant"),
            "only a culled seed": lambda: lattice.release(theta, 0),
            "layout is 'nhwc', expected one of nchw, tokens": lambda: torch.classes.esper.Lattice(4, 2, "nhwc"),
            r"seeds is 5, expected 1 to channels \(4\)": lambda: torch.classes.esper.Lattice(4, 5),
            "channels is -1": lambda: torch.classes.esper.Lattice(-1, 1),
        }.items():
            with self.subTest(text):
                before = lattice.describe()
                with self.assertRaisesRegex(RuntimeError, text):
                    call()
                self.assertEqual(lattice.describe(), before)


class Settings(unittest.TestCase):
    def test_the_settings_of_torch_stay_the_callers(self):
        lattice, theta = make()
        lattice_op(tokens(), theta, lattice).sum().backward()
        self.assertTrue(torch.backends.cudnn.benchmark)


class Threads(unittest.TestCase):
    def test_many_threads_share_a_lattice(self):
        lattice, theta = make()
        x = torch.randn(64, 20, 16)
        leaf = theta.detach().clone().requires_grad_()
        expected = torch.autograd.grad(lattice_op(x, leaf, lattice).square().sum(), leaf)[0]
        wrong = []

        def work():
            for _ in range(20):
                mine = theta.detach().clone().requires_grad_()
                got, = torch.autograd.grad(lattice_op(x, mine, lattice).square().sum(), mine)
                if not torch.allclose(got, expected, rtol=1e-4, atol=1e-4):
                    wrong.append((got - expected).abs().max())

        def disturb():
            for _ in range(200):
                lattice.set_kappa(0, 0.5)  # Not read in Blending.
                lattice.describe()

        threads = [threading.Thread(target=work) for _ in range(6)] + [threading.Thread(target=disturb)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(wrong, [])

    def test_same_bits_every_time(self):
        lattice, theta = make()
        x = torch.randn(64, 20, 16)
        runs = [torch.autograd.grad(lattice_op(x, theta, lattice).square().sum(), theta)[0] for _ in range(3)]
        self.assertTrue(torch.equal(runs[0], runs[1]) and torch.equal(runs[1], runs[2]))


if __name__ == "__main__":
    unittest.main(verbosity=1)
