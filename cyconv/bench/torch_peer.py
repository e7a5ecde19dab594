"""A cyconv model as a PyTorch module with the same weights, through torch.fx: generated straight-line code,
so that PyTorch pays for nothing but its own operations."""

from math import prod

import numpy as np
import torch
from torch import fx, nn


def to_torch(model):
    """The module, which takes (N, C, H, W), and (its part, layer, shape before Flatten) of each layer with
    weights."""
    graph, modules, weighted, flat = fx.Graph(), {}, [], model.executor.flat
    values = {n: graph.placeholder(f"x{n}") for n in flat.inputs}
    shapes = {n: t.shape for n, t in zip(flat.inputs, model.inputs, strict=True)}
    flattened = {}
    for i, node in enumerate(flat.nodes):
        layer, sources = node.layer, [values[n] for n in node.inputs]
        given = [shapes[n] for n in node.inputs]
        shapes[node.output] = layer.compute_output_shape(given if node.nested else given[0])
        kind = type(layer).__name__
        if kind == "Flatten":
            flattened[node.output] = given[0]
            values[node.output] = graph.call_function(torch.flatten, (sources[0], 1))
        elif kind == "Add":
            values[node.output] = graph.call_function(torch.add, tuple(sources))
        elif kind == "Concatenate":
            values[node.output] = graph.call_function(torch.cat, (sources, 1))
        else:
            before = flattened.get(node.inputs[0])
            module, act = _module(layer, given[0], before)
            if kind == "Dropout":
                flattened[node.output] = before
            modules[f"m{i}"] = module
            if layer.weights:
                weighted.append((module, layer, before))
            value = graph.call_module(f"m{i}", (sources[0],))
            if act not in (None, "linear"):
                value = graph.call_function(getattr(torch, act), (value,))
            values[node.output] = value
    graph.output(values[flat.outputs[0]])
    return fx.GraphModule(nn.ModuleDict(modules), graph), weighted


def in_torch_order(layer, arrays, before):
    """A layer's trained weights, or their gradients, with their axes as PyTorch has them. before: the shape
    that a Flatten before a Dense was given; the Dense's rows are reordered to channels first."""
    first, *rest = arrays
    if first.ndim == 4:  # (R, S, C, K) -> (K, C, R, S); transposed (R, S, K, C) -> (C, K, R, S)
        first = first.transpose(3, 2, 0, 1)
    elif first.ndim == 2:
        if before is not None:
            spatial = before[1:]
            first = first.reshape(*spatial, -1).transpose(2, 0, 1, 3).reshape(prod(spatial), -1)
        first = first.T
    return [first, *rest]


def gradients(weighted):
    """(name, cyconv's gradient, PyTorch's) of every trained weight, after a step of each."""
    for module, layer, before in weighted:
        ours = in_torch_order(layer, [np.array(v.gradient) for v in layer.trainable_weights], before)
        theirs = [module.weight, *([] if module.bias is None else [module.bias])]
        for variable, a, b in zip(layer.trainable_weights, ours, theirs, strict=True):
            yield variable.path, a, b.grad.numpy()


def _module(layer, shape, before):
    """(module, activation after it or None)."""
    kind = type(layer).__name__
    trained = [v.numpy() for v in layer.trainable_weights]
    weights = in_torch_order(layer, trained, before) if trained else []
    if kind == "Conv2D":
        pairs = layer.padding_for(shape[1:-1])
        assert all(a == b for a, b in pairs), "PyTorch pads both sides alike"
        module = nn.Conv2d(shape[-1], layer.filters, layer.kernel_size, layer.strides,
                           tuple(a for a, _ in pairs), bias=layer.use_bias)  # fmt: skip
        _set(module, *weights)
        return module, layer.activation
    if kind == "Conv2DTranspose":
        module = nn.ConvTranspose2d(shape[-1], layer.filters, layer.kernel_size, layer.strides)
        _set(module, *weights)
        return module, layer.activation
    if kind == "Dense":
        module = nn.Linear(shape[-1], layer.units)
        _set(module, *weights)
        return module, layer.activation
    if kind == "BatchNormalization":
        module = nn.BatchNorm2d(shape[-1], eps=layer.epsilon, momentum=1 - layer.momentum)
        _set(module, *weights)
        return module, None
    if kind == "MaxPooling2D":
        return nn.MaxPool2d(layer.pool_size, layer.strides), None
    if kind == "AveragePooling2D":
        return nn.AvgPool2d(layer.pool_size, layer.strides), None
    if kind == "GlobalAveragePooling2D":
        return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten()), None
    if kind == "Dropout":
        return nn.Dropout(layer.rate), None
    if kind == "Activation":
        return {"relu": nn.ReLU, "tanh": nn.Tanh}[layer.activation](), None
    raise NotImplementedError(kind)


def _set(module, weight, bias=None):
    with torch.no_grad():
        module.weight.copy_(torch.from_numpy(np.ascontiguousarray(weight)))
        if bias is not None:
            module.bias.copy_(torch.from_numpy(bias))


def in_mode(model, x, mode, training):
    """(what to call, its module, its layers with weights, the images as it wants them).

    mode: "eager", "channels_last", "compile", or "double" for eager in double precision.
    """
    module, weighted = to_torch(model)
    module = module.train(training)
    if mode == "double":
        module, x = module.double(), x.astype(np.float64)
    layout = torch.channels_last if mode in ("channels_last", "compile") else torch.contiguous_format
    module = module.to(memory_format=layout)
    images = channels_first(x).contiguous(memory_format=layout)
    return torch.compile(module) if mode == "compile" else module, module, weighted, images


def torch_step(model, x, y, classes, mode):
    """A function that does a training step and returns the loss, and the layers with weights."""
    forward, module, weighted, images = in_mode(model, x, mode, training=True)
    labels = torch.from_numpy(y).long() if classes else channels_first(y).to(images.dtype)
    functional = torch.nn.functional
    criterion = functional.cross_entropy if classes else functional.binary_cross_entropy_with_logits
    optimizer = torch.optim.Adam(module.parameters(), 0.001, eps=1e-7)

    def step():
        optimizer.zero_grad(set_to_none=True)
        loss = criterion(forward(images), labels)
        loss.backward()
        optimizer.step()
        return float(loss.detach())

    return step, weighted


def torch_run(model, x, mode):
    """A function that gives the network's output for x, in PyTorch's order of axes."""
    forward, _, _, images = in_mode(model, x, mode, training=False)

    def run():
        with torch.inference_mode():
            return forward(images)

    return run


def channels_first(x):
    """An array (N, H, W, C) as a PyTorch tensor (N, C, H, W)."""
    return torch.from_numpy(x).permute(0, 3, 1, 2)


def channels_last(y):
    """A result (N, C, H, W) or (N, units) as an array in cyconv's order of axes."""
    y = np.asarray(y)
    return y.transpose(0, 2, 3, 1) if y.ndim == 4 else y
