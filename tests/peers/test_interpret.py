"""Grad-CAM, saliency and guided backpropagation against PyTorch's gradients on the same weights."""

import numpy as np
import pytest
import torch
from torch import nn

import cyconv
from cyconv import interpret, layers
from cyconv.testing import assert_close


def pair():
    """A network with ReLU inside its convolutions, and the same in PyTorch, scores before the softmax."""
    ours = cyconv.Sequential([
        cyconv.Input((16, 16, 3)),
        layers.Conv2D(6, 3, padding="same", activation="relu"),
        layers.MaxPooling2D(),
        layers.Conv2D(8, 3, activation="relu", name="last"),
        layers.GlobalAveragePooling2D(),
        layers.Dense(5, activation="softmax"),
    ])  # fmt: skip
    first, last, dense = nn.Conv2d(3, 6, 3, padding=1), nn.Conv2d(6, 8, 3), nn.Linear(8, 5)
    weights = [torch.tensor(w) for w in ours.get_weights()]
    with torch.no_grad():
        for module, kernel, bias in zip((first, last), weights[0::2], weights[1::2], strict=False):
            module.weight.copy_(kernel.permute(3, 2, 0, 1))
            module.bias.copy_(bias)
        dense.weight.copy_(weights[4].T)
        dense.bias.copy_(weights[5])
    relu = nn.ReLU()
    features = nn.Sequential(first, relu, nn.MaxPool2d(2), last, relu)
    head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), dense)
    return ours, features, head, relu


@pytest.fixture
def x():
    return np.random.default_rng(5).random((3, 16, 16, 3), np.float32)


def test_grad_cam(x):
    ours, features, head, _ = pair()
    A = features(torch.tensor(x).permute(0, 3, 1, 2)).detach().requires_grad_()
    scores = head(A)
    classes = scores.argmax(1)
    (dA,) = torch.autograd.grad(scores[range(3), classes].sum(), A)
    alpha = dA.mean((2, 3), keepdim=True)
    expected = torch.relu((alpha * A).sum(1)).detach().numpy()
    assert_close(interpret.grad_cam(ours, x, upsample=False), expected, "network", terms=54)
    enlarged = nn.functional.interpolate(torch.tensor(expected)[:, None], (16, 16), mode="bilinear")[:, 0]
    assert_close(interpret.grad_cam(ours, x), enlarged.numpy(), "network", terms=54)


@pytest.mark.parametrize("guided", [False, True])
def test_gradients_of_the_pixels(x, guided):
    ours, features, head, relu = pair()
    if guided:
        relu.register_full_backward_hook(lambda module, dx, dy: (torch.relu(dx[0]),))
    pixels = torch.tensor(x).permute(0, 3, 1, 2).requires_grad_()
    scores = head(features(pixels))
    (dx,) = torch.autograd.grad(scores[:, 2].sum(), pixels)
    dx = dx.permute(0, 2, 3, 1).numpy()
    if guided:
        assert_close(interpret.guided_backprop(ours, x, target=2), dx, "network", terms=54)
    else:
        assert_close(interpret.saliency(ours, x, target=2), np.abs(dx).max(-1), "network", terms=54)


def test_grad_cam_of_a_region_of_a_segmentation():
    """Seg-Grad-CAM on a small U-Net: the scores of a region's pixels are summed before the way back."""
    ours = cyconv.Sequential([
        cyconv.Input((16, 16, 1)),
        layers.Conv2D(4, 3, padding="same", activation="relu"),
        layers.Skip([
            layers.MaxPooling2D(),
            layers.Conv2D(6, 3, padding="same", activation="relu", name="deep"),
            layers.UpSampling2D(),
        ]),
        layers.Conv2D(3, 1, activation="softmax"),
    ])  # fmt: skip
    modules = nn.Conv2d(1, 4, 3, padding=1), nn.Conv2d(4, 6, 3, padding=1), nn.Conv2d(10, 3, 1)
    weights = ours.get_weights()
    with torch.no_grad():
        for module, kernel, bias in zip(modules, weights[0::2], weights[1::2], strict=True):
            module.weight.copy_(torch.tensor(kernel).permute(3, 2, 0, 1))
            module.bias.copy_(torch.tensor(bias))
    x = np.random.default_rng(6).random((1, 16, 16, 1), np.float32)
    region = np.zeros((16, 16), bool)
    region[2:7, 9:14] = True
    top = torch.relu(modules[0](torch.tensor(x).permute(0, 3, 1, 2)))
    A = torch.relu(modules[1](nn.functional.max_pool2d(top, 2))).detach().requires_grad_()
    scores = modules[2](torch.cat([top.detach(), nn.functional.interpolate(A, scale_factor=2)], 1))
    (dA,) = torch.autograd.grad(scores[0, 1][torch.tensor(region)].sum(), A)
    expected = torch.relu((dA.mean((2, 3), keepdim=True) * A).sum(1)).detach().numpy()
    found = interpret.grad_cam(ours, x, target=1, layer="deep", region=region, upsample=False)
    assert_close(found, expected, "network", terms=36)
    assert expected.any()


def test_deconvnet():
    """The strongest unit of every map, led down by hooks that rectify instead of taking the derivative."""
    ours, features, _, relu = pair()
    relu.register_full_backward_hook(lambda module, dx, dy: (torch.relu(dy[0]),))
    x = np.random.default_rng(5).random((1, 16, 16, 3), np.float32)
    for projection in interpret.deconvnet(ours, x, "last", maps=range(8)):
        pixels = torch.tensor(x).permute(0, 3, 1, 2).requires_grad_()
        unit = features(pixels)[0, projection.map].max()
        (dx,) = torch.autograd.grad(unit, pixels, grad_outputs=unit.detach())
        box = (0, *projection.box)
        assert_close(projection.pixels, dx.permute(0, 2, 3, 1).numpy()[box], "network", terms=54)
        assert_close(np.float32(projection.activation), unit.item(), "network", terms=54)
