"""Fusion: one pass over the flat list of nodes before a step is recorded. Neighbours that a single operation
does in one walk over memory become one node:

    normalisation (+ sum with a shortcut) (+ relu)     training and inference
    convolution + activation                           training and inference
    convolution + normalisation (+ sum) (+ relu)       inference: normalisation folded into the weights;
                                                       training: the convolution takes the statistics of its y
    concatenation of two + convolution (+ the above)   training and inference
    convolution (+ the above, but for a sum) + max pooling      training: not behind a normalisation
    softmax + cross-entropy                            training: their gradients (`fuse_steps`)
    convolution or max pooling, another reader of x    training: the sum of their gradients (`fuse_steps`)

A node is drawn in only if nothing else reads what lies between. In training a normalisation that stands at
several places stays as it is, so that its moving means see the places in their order. Results agree with the
unfused ones within the table of tolerances (but a NaN may reach fewer gradients behind a relu);
CYCONV_FUSION=0 or `set_fusion(False)` switches the pass off.
"""

import os
from collections import Counter

from .graph import Flat, FlatNode
from .layers import activation as act
from .layers.convolution import Conv
from .layers.fused import (
    ActivatedConvolution, FoldedConvolution, JoinedConvolution, MeasuredConvolution, Normalisation,
    PooledConvolution,
)  # fmt: skip
from .layers.merging import Add, Concatenate
from .layers.normalization import BatchNormalization
from .layers.pooling import MaxPooling1D, MaxPooling2D, MaxPooling3D
from .recorder import Buffer

_state = {"on": os.environ.get("CYCONV_FUSION", "1") != "0"}


def enabled():
    """Whether steps recorded from now on are fused."""
    return _state["on"]


def set_fusion(on):
    """Switches fusion on or off for the steps that are recorded from now on."""
    _state["on"] = bool(on)


def fuse(flat, shapes, training):
    """The flat list with neighbours fused. shapes: {number of a tensor: its shape}."""
    readers = {}
    for node in flat.nodes:
        for number in node.inputs:
            readers.setdefault(number, []).append(node)
    calls = Counter(id(node.layer) for node in flat.nodes)
    taken, made = set(), {}

    def follower(node):
        """The only node that reads what `node` gives, if there is just one."""
        after = readers.get(node.output, [])
        private = node.output not in flat.outputs and node.layer.activity_regularizer is None
        return after[0] if private and len(after) == 1 and id(after[0]) not in taken else None

    def normalises(node):
        """Whether it is a normalisation of channels that may be fused."""
        return _normalises_channels(node, shapes) and not (training and calls[id(node.layer)] > 1)

    def add_and_activation(node):
        """(the node and those that follow, number of the shortcut or None, whether relu comes last)."""
        nodes, shortcut, after = [node], None, follower(node)
        if after is not None and _adds_two(after, shapes):
            (shortcut,) = (n for n in after.inputs if n != node.output)
            nodes.append(after)
            after = follower(after)
        relu = after is not None and _is_relu(after)
        return [*nodes, after] if relu else nodes, shortcut, relu

    def convolution_and_followers(node):
        """(the nodes, the layer that stands for them or None, number of the shortcut or None)."""
        after = follower(node)
        if _is_linear_convolution(node) and after is not None:
            if normalises(after):
                rest, shortcut, relu = add_and_activation(after)
                if training:
                    normalisation = Normalisation(after.layer, relu, shortcut is not None)
                    return [node, *rest], MeasuredConvolution(node.layer, normalisation), shortcut
                layer = FoldedConvolution(node.layer, after.layer, relu, shortcut is not None)
                return [node, *rest], layer, shortcut
            if _is_activation(after):
                return [node, after], ActivatedConvolution(node.layer, after.layer), None
        return [node], None, None

    for node in flat.nodes:
        if id(node) in taken:
            continue
        group, inputs, layer, shortcut = [node], list(node.inputs), None, None
        after = follower(node)
        if _is_convolution(node):
            group, layer, shortcut = convolution_and_followers(node)
            pool = follower(group[-1])
            if pool is not None and _pools_maxima(pool) and _may_be_pooled(layer or node.layer):
                group, layer = [*group, pool], PooledConvolution(layer or node.layer, pool.layer)
        elif _joins_two(node, shapes) and after is not None and _is_convolution(after):
            rest, whole, shortcut = convolution_and_followers(after)
            group, layer = [node, *rest], JoinedConvolution(node.layer, after.layer, whole or after.layer)
        elif normalises(node):
            group, shortcut, relu = add_and_activation(node)
            if len(group) > 1:
                layer = Normalisation(node.layer, relu, shortcut is not None)
        if layer is not None:
            inputs += [] if shortcut is None else [shortcut]
            taken.update(id(n) for n in group)
            path = " + ".join(n.path for n in group)
            last = group[-1]
            made[id(last)] = FlatNode(layer, inputs, len(inputs) > 1, last.output, path, node.number)
    nodes = [made.get(id(node), node) for node in flat.nodes if id(node) in made or id(node) not in taken]
    return Flat(flat.inputs, nodes, flat.outputs)


def fuse_steps(steps, adds_gradients):
    """The recorded steps, some of them as one: a cross-entropy's gradient and that of the softmax before it;
    where a tensor fans out and the backend `adds_gradients`, a gradient and its sum with the one before.
    """
    steps = _merged(steps, _through_softmax)
    return _merged(steps, _add_where_it_is) if adds_gradients else steps


def _merged(steps, merge):
    """The steps without those that merge(step, touching, steps) made a part of `step`.

    touching: {storage: the steps that read or write it}.
    """
    touching = {}
    for step in steps:
        for storage in dict.fromkeys(buffer.storage for buffer in step.buffers()):
            touching.setdefault(storage, []).append(step)
    gone = {id(merge(step, touching, steps)) for step in steps}
    return [step for step in steps if id(step) not in gone]


def _through_softmax(step, touching, steps):
    """Gives a cross-entropy the gradient that is behind its softmax; returns the step that made it."""
    after = _softmax_behind(step, touching)
    if after is not None:
        out = after.operands[2]
        *operands, gradient = step.operands
        step.operands = (*operands, Buffer(gradient.shape, gradient.dtype, out.storage))
        step.attributes = step.attributes | {"through_softmax": True}
    return after


ADDING = {"convolution_input_gradient": 3, "max_pool_gradient": 2}  # the position of dx


def _add_where_it_is(step, touching, steps):
    """Lets `step` add its dx to the gradient that another reader of the tensor gave, if that is read nowhere
    else: there their sum lies from now on. Returns the step that made it.
    """
    position = ADDING.get(step.operation)
    if position is None or step.attributes.get("activation", "linear") != "linear":
        return None
    dx, *beside = step.operands[position:]
    users = touching.get(getattr(dx, "storage", None), [])
    if beside not in ([], [None]) or [user.operation for user in users] != [step.operation, "binary"]:
        return None  # dx has two parts, or other readers
    a, b, total = (add := users[1]).operands
    there = b if getattr(a, "storage", None) is dx.storage else a
    free = all(isinstance(b, Buffer) and not (b.storage.kept or b.storage.fed) for b in (dx, there, total))
    if not free or add.attributes["name"] != "add" or there.shape != dx.shape:
        return None
    *before, _ = touching[there.storage]  # the last one is the sum, or what reads it later
    if not before or steps.index(before[-1]) >= steps.index(step):
        return None  # it is read later, or not there yet
    step.operands = (*step.operands[:position], there, *step.operands[position + 1 :])
    step.attributes = step.attributes | {"accumulate": True}
    moved = total.storage  # which several Buffers may view
    after = [s for s in touching[moved] if s is not add]
    touching[there.storage] = [*before, step, *after]
    for reader in after:
        for buffer in reader.buffers():
            if buffer.storage is moved:
                buffer.storage = there.storage
    return add


def _softmax_behind(step, touching):
    """The softmax_gradient that alone reads a cross-entropy's gradient, if its softmax made the prediction.
    """
    attributes = step.attributes
    if step.operation != "cross_entropy" or attributes["from_logits"] or attributes["kind"] == "binary":
        return None
    prediction, gradient = step.operands[0], step.operands[4]
    if not isinstance(prediction, Buffer) or gradient.storage.kept:
        return None
    writer, *readers = touching[gradient.storage]
    if writer is not step or len(readers) != 1 or readers[0].operation != "softmax_gradient":
        return None
    dy, y, _ = readers[0].operands
    same = dy.storage is gradient.storage and y.storage is prediction.storage
    return readers[0] if same and y.shape[-1] == prediction.shape[-1] else None


def _is_convolution(node):
    """Whether it is a convolution as this package has it: a class made from it may compute something else."""
    kind = type(node.layer)
    own = ("forward", "backward", "convolve", "compute_output_shape")
    return issubclass(kind, Conv) and all(getattr(kind, name) is getattr(Conv, name) for name in own)


def _is_linear_convolution(node):
    return _is_convolution(node) and node.layer.activation == "linear"


def _normalises_channels(node, shapes):
    layer, rank = node.layer, len(shapes[node.output])
    return type(layer) is BatchNormalization and layer.axis % rank == rank - 1


def _pools_maxima(node):
    return type(node.layer) in (MaxPooling1D, MaxPooling2D, MaxPooling3D)


def _may_be_pooled(layer):
    """Whether a convolution, or what stands for it, gives all that its backward pass needs but its input."""
    if isinstance(layer, FoldedConvolution):
        return not layer.shortcut
    return isinstance(layer, (Conv, ActivatedConvolution)) and act.fuses(layer.activation)


def _is_activation(node):
    layer = node.layer
    return type(layer) in (act.Activation, act.ReLU, act.LeakyReLU, act.ELU) and act.fuses(layer.activation)


def _is_relu(node):
    return _is_activation(node) and node.layer.activation == "relu"


def _joins_two(node, shapes):
    rank = len(shapes[node.output])
    return type(node.layer) is Concatenate and len(node.inputs) == 2 and node.layer.axis % rank == rank - 1


def _adds_two(node, shapes):
    if type(node.layer) is not Add or len(node.inputs) != 2:
        return False
    a, b = node.inputs
    return a != b and shapes[a] == shapes[b]
