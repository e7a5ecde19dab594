"""Places the buffers of a recorded step in one arena, by lifetime: what no longer lives makes room.

Greedy by size (Pisarchyk & Lee 2020, "Efficient memory management for deep neural net inference"): the
largest buffer first, each at the lowest address where nothing that lives at the same time lies.
"""

from collections import Counter

ALIGNMENT = 64

# Operations that read operand i of their input before they write the same element of the output:
# name -> {position of an output: positions of inputs whose place it may take over}.
IN_PLACE = {
    "activation": {1: (0,)},
    "activation_gradient": {3: (0,)},
    "softmax": {1: (0,)},
    "softmax_gradient": {2: (0,)},
    "dropout": {2: (0,)},
    "binary": {2: (0, 1)},
    "batch_norm_gradient": {7: (1,), 6: (1, 0)},  # dz takes dy's, which is not read again; then dx that of x
}

# Results that are not made where nobody reads them: name -> the operand that may be None.
UNREAD = {"max_pool": 2, "convolution": 7, "batch_norm_gradient": 7}


def _in_place(step):
    """{position of an output: positions of inputs} by which a step may work in place."""
    if step.operation == "map":  # the first result may lie where an input of its shape dies
        inputs, shape = step.attributes["formula"].inputs, step.operands[-1].shape
        return {inputs: tuple(i for i in range(inputs) if step.operands[i].shape == shape)}
    return IN_PLACE.get(step.operation, {})


def place(steps):
    """Gives every storage of `steps` its offset; returns the arena's size in bytes."""
    _leave_out_unread(steps)
    storages = _lifetimes(steps)
    _merge(steps)
    roots = [s for s in storages if s.owner is None]
    placed, top = [], 0
    for storage in sorted(roots, key=lambda s: (-s.nbytes, s.first)):
        offset = 0
        for other in placed:  # ordered by offset
            if other.first <= storage.last and storage.first <= other.last:
                if other.offset - offset >= storage.nbytes:
                    break
                offset = max(offset, _round(other.offset + other.nbytes))
        storage.offset = offset
        top = max(top, offset + storage.nbytes)
        placed.append(storage)
        placed.sort(key=lambda s: s.offset)
    for storage in storages:
        storage.offset = _root(storage).offset
    return _round(top)


def _leave_out_unread(steps):
    """None in place of results that no later step reads and nobody keeps: switches, without a gradient."""
    read = Counter(id(buffer.storage) for step in steps for buffer in step.buffers())
    for step in steps:
        position = UNREAD.get(step.operation)
        result = None if position is None else step.operands[position]
        if result is not None and read[id(result.storage)] == 1 and not result.storage.kept:
            step.operands = (*step.operands[:position], None, *step.operands[position + 1 :])


def _lifetimes(steps):
    """First and last step at which each storage is touched; kept ones live to the end."""
    storages = {}
    for i, step in enumerate(steps):
        for buffer in step.buffers():
            storage = buffer.storage
            if storage.fed:
                continue
            if id(storage) not in storages:
                storages[id(storage)] = storage
                storage.first = i
            storage.last = i
    for storage in storages.values():
        if storage.kept:
            storage.last = len(steps)
    return list(storages.values())


def _merge(steps):
    """Lets outputs of in-place operations take over inputs that die there."""
    for i, step in enumerate(steps):
        taken = []
        for target, sources in _in_place(step).items():
            out = getattr(step.operands[target], "storage", None)
            if out is None or out.fed or out.first != i or out.owner is not None:
                continue
            root = _dying([step.operands[position] for position in sources], i, out, taken)
            if root is not None:
                out.owner, root.last = root, out.last
                taken.append(root)


def _dying(sources, i, out, taken):
    """The storage of the first source that is read last in step i and is as large as `out`; None: none is."""
    for source in sources:
        storage = getattr(source, "storage", None)
        if storage is None or storage.fed or storage is out:
            continue
        root = _root(storage)
        if root.last == i and root.nbytes == out.nbytes and root not in taken:
            return root
    return None


def _root(storage):
    while storage.owner is not None:
        storage = storage.owner
    return storage


def _round(count):
    return -(-count // ALIGNMENT) * ALIGNMENT


def shown(count):
    """Bytes for people."""
    return f"{count / 1e6:,.1f} MB" if count >= 1e6 else f"{count / 1e3:.1f} kB"


def too_large(plan, batch, free):
    """The MemoryError that says where most memory is alive, and which batch would fit.

    plan: a batch's size -> the step on paper, with `steps` and the bytes `needed`. free: bytes.
    """
    step, alive = plan(batch), {}
    for storage in _lifetimes(step.steps):
        for i in range(storage.first, min(storage.last + 1, len(step.steps))):
            alive[i] = alive.get(i, 0) + (storage.nbytes if storage.owner is None else 0)
    where = ""
    if alive:
        worst = step.steps[max(alive, key=alive.get)]
        where = f'; most of it is alive at layer "{worst.layer}" ({worst.phase})'
    fits, too_many = 0, batch
    while too_many - fits > 1:
        half = (fits + too_many) // 2
        fits, too_many = (half, too_many) if plan(half).needed <= free else (fits, half)
    advice = f"a batch of {fits} would fit" if fits else "not even a batch of 1 would fit"
    return MemoryError(
        f"a step with a batch of {batch} needs {shown(step.needed)} beside the weights, and "
        f"{shown(free)} are free{where}; {advice}"
    )
