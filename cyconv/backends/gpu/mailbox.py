"""What changes from step to step, on its way to the device: the learning rate, the dropout counter, the rows
of the batch. The host writes small arrays; before a step one copy moves all of them into the place that the
kernels of the step, captured or not, read."""

import numpy as np

ALIGNMENT = 16


class Ring:
    """Pinned memory for copies that run on while the host goes on: a part of it is written again only when
    the device is known to have read it.
    """

    def __init__(self, backend, size=1 << 20):
        self.backend = backend
        self._make(size)

    def _make(self, size):
        self.size, self.at = size, 0
        self._memory = self.backend.cupy.cuda.alloc_pinned_memory(size)
        self.bytes = np.frombuffer(self._memory, np.uint8, size)

    def take(self, count):
        """`count` bytes to write into."""
        if self.at + count > self.size:
            self.backend.stream.synchronize()
            self.at = 0
            if 2 * count > self.size:
                self._make(4 * count)
        first = self.at
        self.at = -(-(first + count) // ALIGNMENT) * ALIGNMENT
        return self.bytes[first : first + count]


class Mailbox:
    """`share(host array)` gives its place on the device; `send()` copies what the host arrays hold then."""

    def __init__(self, backend, size):
        self.backend, self.size, self.used = backend, size, 0
        self.parts = []  # (host array, first byte, last byte + 1)
        self.device = backend.empty((size,), "uint8")

    def share(self, host):
        """The array on the device that will hold what `host` holds."""
        first, last = self.used, self.used + host.nbytes
        if last > self.size:
            raise ValueError(f"a mailbox of {self.size} bytes has no room for {host.nbytes} more")
        self.parts.append((host, first, last))
        self.used = -(-last // ALIGNMENT) * ALIGNMENT
        return self.device[first:last].view(host.dtype).reshape(host.shape)

    def send(self):
        """Copies all parts, in the stream's order."""
        if not self.parts:
            return
        slot = self.backend.ring.take(self.parts[-1][2])
        for host, first, last in self.parts:
            slot[first:last] = host.reshape(-1).view(np.uint8)
        self.device.data.copy_from_host_async(slot.ctypes.data, len(slot), self.backend.stream)
