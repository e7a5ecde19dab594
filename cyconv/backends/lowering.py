"""What the C and the CUDA kernels take alike: words become integers, one to three spatial axes become three,
axes that are walked together become one, dtypes are checked."""

from math import prod

KINDS = {"categorical": 0, "sparse": 1, "binary": 2}
TYPES = {"float32": 0, "float64": 1}
# Operands that are not of the network's float type: operation -> {position: dtype}.
OTHER_DTYPES = {
    "convolution": {7: "int32"},
    "max_pool": {2: "int32"},
    "max_pool_gradient": {1: "int32"},
    "dropout": {1: "uint64"},
    "random": {0: "uint64"},
}


def check_dtypes(operation, operands, attributes):
    """The float type that all operands share; a TypeError where one differs."""
    others = dict(OTHER_DTYPES.get(operation, {}))
    if attributes.get("kind") == "sparse":
        others[1] = "int32"
    floats = set()
    for i, operand in enumerate(operands):
        if operand is None:
            continue
        name = str(operand.dtype)
        if i in others and name != others[i]:
            raise TypeError(f"{operation}: operand {i} must be {others[i]}. Received: {name}")
        if i not in others:
            floats.add(name)
    if len(floats) != 1 or not floats <= set(TYPES):
        raise TypeError(
            f"{operation} takes arrays of one dtype, float32 or float64. "
            f"Received: {', '.join(sorted(floats))}"
        )
    return floats.pop()


def three(values, missing):
    """One to three values as three, the missing leading axes filled in."""
    return (missing,) * (3 - len(values)) + tuple(values)


def geometry(x, out, K, groups, window, strides, padding, dilation):
    """The 22 sizes of cy_conv; x: what the forward operation reads; out: the sizes of what it makes."""
    return (
        x.shape[0], x.shape[-1], K, groups,
        *three(x.shape[1:-1], 1), *three(out, 1), *three(window, 1),
        *three(strides, 1), *three([before for before, _ in padding], 0), *three(dilation, 1),
    )  # fmt: skip


def rows(x):
    """(M, C): how many rows of how many channels."""
    return prod(x.shape[:-1]), x.shape[-1]


def signed(seed):
    """The 64 bits of a seed as C's signed size."""
    seed &= 0xFFFFFFFFFFFFFFFF
    return seed - (1 << 64) if seed >> 63 else seed


def broadcast_strides(shape, full):
    """Strides in elements of an array of `shape` that is repeated to `full`."""
    strides, step = [0] * len(full), 1
    for i in range(1, len(shape) + 1):
        strides[-i] = step if shape[-i] > 1 else 0
        step *= shape[-i]
    return strides


def merged(shape, strides):
    """The same walk over fewer axes: those of size 1 left out, neighbours joined where every array allows."""
    axes = [(n, [s[i] for s in strides]) for i, n in enumerate(shape) if n != 1]
    joined = axes[:1]
    for n, steps in axes[1:]:
        outer, before = joined[-1]
        if all(b == n * s for b, s in zip(before, steps, strict=True)):
            joined[-1] = (outer * n, steps)
        else:
            joined.append((n, steps))
    return [n for n, _ in joined], [[steps[k] for _, steps in joined] for k in range(len(strides))]


def runs(x, axes):
    """The sizes (A, R, B, S, C) of x's axes in groups, kept and reduced by turns: R and S are reduced."""
    found = []  # [reduced?, size], neighbours of one kind joined
    for i, n in enumerate(x.shape):
        if found and found[-1][0] == (i in axes):
            found[-1][1] *= n
        else:
            found.append([i in axes, n])
    if found and found[0][0]:
        found.insert(0, [False, 1])
    if len(found) > 5:
        raise ValueError(f"reduce: axes {axes} of {x.ndim} stand in more than two groups; take two steps")
    return [n for _, n in found] + [1] * (5 - len(found))
