"""IntelAI's Dice losses against their definition in PyTorch: values and gradients."""

import numpy as np
import pytest
import torch

import cyconv
from cyconv.testing import assert_close


def dice(t, p, smooth, axis):
    overlap = ((t * p).sum(axis) + smooth).mean()
    size = (t.sum(axis) + p.sum(axis) + smooth).mean()
    return -torch.log(2 * overlap) + torch.log(size)


@pytest.mark.parametrize("backend", cyconv.backends.NAMES)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("shape", [(4, 8, 8, 1), (3, 6, 5, 2), (2, 4, 4, 4, 1)])
def test_gradients(shape, weighted, backend):
    generator = np.random.default_rng(0)
    axis = tuple(range(1, len(shape) - 1))
    t = (generator.random(shape) < 0.3).astype("float32")
    p = (generator.random(shape) * 0.9 + 0.05).astype("float32")
    weight = generator.random(shape[:-1]).astype("float32") if weighted else np.ones(shape[:-1], "float32")
    image = generator.random(shape[0]).astype("float32") if weighted else np.ones(shape[0], "float32")
    ops = cyconv.backends.get(backend)
    for smooth in (1e-4, 1.0):
        variable = torch.tensor(p, requires_grad=True)
        of_dice = dice(torch.tensor(t), variable, smooth, axis)
        entropy = torch.nn.functional.binary_cross_entropy(variable, torch.tensor(t), reduction="none")
        cases = (
            (cyconv.losses.DiceCoefLoss(axis, smooth), of_dice * torch.tensor(image).mean(), image),
            (cyconv.losses.CombinedDiceCeLoss(axis, smooth),
             (torch.tensor(weight) * (0.85 * of_dice + 0.15 * entropy.mean(-1))).mean(), weight),
        )  # fmt: skip
        for loss, expected, w in cases:
            (slope,) = torch.autograd.grad(expected, variable, retain_graph=True)
            value, gradient = loss.record(ops, t, p.copy(), w if weighted else None)
            assert_close(value[0], expected.detach().numpy(), "sum", t.size, what=loss.name)
            assert_close(gradient, slope.numpy(), "sum", t.size, what=loss.name)
