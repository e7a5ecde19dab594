"""A recorded list of operations as launches in fixed buffers, replayed as CUDA graphs.

The first run launches kernel by kernel, which compiles and loads all of them; the second run is captured,
and from then on a stretch of launches is one call. What a step reads anew lies in its mailbox; what it counts
(loss and metrics) stays on the device until `Tally.take`.
"""

from math import prod

import numpy as np

from .kernels import source
from .launch import Launch, ceil_div
from .lower import BLOCK


class Tally:
    """sums[i] += scales[i] * arrays[i][0] with each step, in float64, on the device."""

    def __init__(self, backend, arrays, scales):
        self.backend, self.arrays = backend, arrays
        self.zeros = np.zeros(len(arrays))
        self.sums = backend.asarray(self.zeros, "float64")
        self._scales = backend.asarray(scales, "float64")
        self._places = backend.asarray([backend.address(a) for a in arrays], "uint64")

    def launches(self):
        """The launch that counts."""
        n = len(self.arrays)
        return [_each("tally", n, self._places, self._scales, self.sums, np.int32(n))] if n else []

    def add(self):
        """Counting is part of the program."""

    def take(self):
        """The sums of the steps so far, as those of one; they begin again at 0."""
        sums = self.backend.to_host(self.sums).tolist()
        self.backend.load(self.sums, self.zeros)
        return [sums]


class Feed:
    """Gathers the rows of a batch from arrays that stay on the device.

    fed: the arrays of a step to be filled, first axis the batch. Where the data lies and which rows are
    wanted goes through the mailbox.
    """

    def __init__(self, backend, fed, mailbox):
        self.backend, self.fed = backend, fed
        count = fed[0].shape[0]
        # Until something is loaded, the arrays are gathered from themselves.
        self._addresses = np.array([backend.address(a) for a in fed], np.uint64)
        self._rows = np.arange(count, dtype=np.int32)
        self._given = mailbox.share(self._addresses), mailbox.share(self._rows)
        self._numbers = {backend.address(a): i for i, a in enumerate(fed)}
        self._staging = {}

    def launches(self):
        """One gather for each array."""
        addresses, rows = self._given
        for i, array in enumerate(self.fed):
            words = prod(array.shape) * array.dtype.itemsize // 4
            width = words // max(array.shape[0], 1)
            flat = self.backend.reshape(array, (-1,)).view("uint32")
            yield _each("gather", words, addresses[i : i + 1], rows, flat, np.int32(words), np.int32(width))

    def load(self, pairs, rows, copies):
        """The next step reads `rows` of the data. pairs: (fed array, host data); copies: a dict that keeps
        what was brought to the device, for as long as its owner lives.

        Data that will be read again, and fits, is copied as a whole, once; of other data the rows alone.
        """
        whole = all(self._stays(values, rows, copies) for _, values in pairs)
        self._rows[...] = rows if whole else np.arange(len(rows))
        for array, values in pairs:
            if whole:
                source = copies[id(values)]
            else:
                source = self._stage(array, np.take(values, rows, axis=0, mode="clip"))
            self._addresses[self._numbers[self.backend.address(array)]] = self.backend.address(source)

    def _stays(self, values, rows, copies):
        """Whether data is copied as a whole; what is decided once stays decided, in `copies`."""
        if id(values) not in copies and len(values) > len(rows):
            fits = values.nbytes <= self.backend.free_bytes() // 2
            copies[id(values)] = self.backend.asarray(values, values.dtype) if fits else None
        return copies.get(id(values)) is not None

    def _stage(self, array, values):
        """Room on the device for the rows of one step, filled."""
        if id(array) not in self._staging:
            self._staging[id(array)] = self.backend.empty(array.shape, array.dtype)
        self.backend.load(self._staging[id(array)], values)
        return self._staging[id(array)]


def _each(kernel, count, *args):
    return Launch(source("feed"), kernel, (ceil_div(count, BLOCK),), (BLOCK,), args)


class Stretch:
    """Launches with nothing between them: one CUDA graph from the second run on."""

    def __init__(self, backend):
        self.backend, self.calls, self.graph, self.warm = backend, [], None, False

    def run(self):
        stream = self.backend.stream
        if self.warm and self.graph is None:
            stream.begin_capture()
            try:
                self._launch()
            finally:
                self.graph = stream.end_capture()
        if self.graph is None:
            self._launch()
            self.warm = True
        else:
            self.graph.launch(stream)

    def _launch(self):
        for function, grid, block, args in self.calls:
            function(grid, block, args)


class Program:
    """Stretches of launches and functions in Python, in order. steps: as recorded, buffers placed."""

    most_at_once = 1  # steps a call

    def __init__(self, backend, steps, mailbox=None, fed=(), tally=None):
        self.backend, self.mailbox, self.steps = backend, mailbox, steps
        self.feed = Feed(backend, fed, mailbox) if fed else None
        self._each_step = [self._calls_of(step) for step in steps]
        self.parts = []
        self._append(backend.calls("float32", self.feed.launches()) if fed else [])
        for calls in self._each_step:
            self._append(calls)
        self._append(backend.calls(tally.arrays[0].dtype, tally.launches()) if tally and tally.arrays else [])

    def _calls_of(self, step):
        if step.operation == "python":
            return lambda: step.attributes["function"](*step.operands)
        return self.backend.prepared(step.operation, step.operands, step.attributes, step.scratch)

    def _append(self, calls):
        if callable(calls):
            self.parts.append(calls)
        elif calls:
            if not self.parts or not isinstance(self.parts[-1], Stretch):
                self.parts.append(Stretch(self.backend))
            self.parts[-1].calls.extend(calls)

    @property
    def stretches(self):
        """How many calls a run is from the second on: graphs, and steps in Python."""
        return len(self.parts)

    @property
    def hindrance(self):
        """Why a run is not one graph; "" where it is."""
        named = [step.layer for step in self.steps if step.operation == "python"]
        return f"{', '.join(dict.fromkeys(named))} runs in Python on the host" if named else ""

    def load(self, pairs, rows, copies):
        """Rows of host data, all if `rows` is None, for the arrays that are fed: see `Feed.load`."""
        rows = np.arange(len(pairs[0][1])) if rows is None else rows
        with self.backend.stream:
            self.feed.load(pairs, rows, copies)

    def run(self):
        with self.backend.stream:
            if self.mailbox is not None:
                self.mailbox.send()
            for part in self.parts:
                part.run() if isinstance(part, Stretch) else part()

    def run_timed(self):
        """Runs once, launch by launch; returns the seconds of every step, by the device's clock."""
        event, stream = self.backend.cupy.cuda.Event, self.backend.stream
        with stream:
            if self.mailbox is not None:
                self.mailbox.send()
            marks = [event() for _ in range(len(self._each_step) + 1)]
            marks[0].record(stream)
            for mark, calls in zip(marks[1:], self._each_step, strict=True):
                if callable(calls):
                    calls()
                else:
                    for function, grid, block, args in calls:
                        function(grid, block, args)
                mark.record(stream)
            stream.synchronize()
        elapsed = self.backend.cupy.cuda.get_elapsed_time
        return [elapsed(a, b) / 1e3 for a, b in zip(marks[:-1], marks[1:], strict=True)]
