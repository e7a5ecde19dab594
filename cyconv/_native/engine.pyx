# cython: language_level=3, boundscheck=False, wraparound=False, freethreading_compatible=True
"""The C engine: plans of calls. Arrays in, pointers out, no arithmetic.

Safety is decided before: `backends/interface.py` checks the shapes, `backends/cpu.py` the dtypes. Here an
operand must be one contiguous buffer (the buffer protocol refuses anything else), and is kept alive.
"""

from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from libc.stdlib cimport free, realloc
from libc.string cimport memset

OPERATIONS = {cy_op_name(i).decode(): i for i in range(CY_OPS)}
ACTIVATIONS = {cy_activation_name(i).decode(): i for i in range(CY_ACTS)}
BINARIES = {cy_binary_name(i).decode(): i for i in range(CY_BINS)}
FUNCTIONS = {cy_function_name(i).decode(): i for i in range(CY_FUNS)}
SOURCES = cy_sources().decode()  # see sources.py
MAX_AXES, MAX_REGISTERS = CY_MAX_AXES, CY_MAX_REGISTERS
LEVELS = {cy_level_name(i).decode(): i for i in range(CY_LEVELS)}
# Activations whose derivative is taken from the input; for the others the output is enough.
NEEDS_INPUT = frozenset(name for name, i in ACTIVATIONS.items() if i >= CY_NEEDS_INPUT)


cdef void *address(object array) except? NULL:
    """Where a contiguous buffer begins. The caller keeps the array alive."""
    cdef Py_buffer view
    if array is None:
        return NULL
    PyObject_GetBuffer(array, &view, PyBUF_SIMPLE)
    cdef void *start = view.buf
    PyBuffer_Release(&view)
    return start


cdef int describe(cy_call *call, sizes, attributes, int threads) except -1:
    """Fills in everything of a call but its pointers."""
    cdef int i
    memset(call, 0, sizeof(cy_call))
    if len(sizes) > CY_MAX_SIZES or len(attributes) > CY_MAX_ATTRIBUTES:
        raise ValueError("a call holds at most 28 sizes and 8 attributes")
    for i, size in enumerate(sizes):
        call.n[i] = size
    for i, attribute in enumerate(attributes):
        call.a[i] = attribute
    call.threads = threads
    return 0


def workspace(int op, int type, int level, sizes, attributes, int threads):
    """Bytes of scratch that the call needs."""
    cdef cy_call call
    cdef cy_entry entry = cy_find(op, type, level)
    describe(&call, sizes, attributes, threads)
    return entry.work(&call) if entry.work != NULL else 0


cdef class Plan:
    """An array of calls, run in order without the GIL."""

    cdef cy_call *calls
    cdef readonly Py_ssize_t count
    cdef Py_ssize_t capacity
    cdef int threads  # the most that a call may use
    cdef cy_company learned
    cdef list kept

    def __cinit__(self):
        self.calls = NULL
        self.count = self.capacity = self.threads = 0
        memset(&self.learned, 0, sizeof(cy_company))
        self.kept = []

    def __dealloc__(self):
        free(self.calls)

    def __len__(self):
        return self.count

    def add(self, int op, int type, int level, operands, sizes, attributes, int threads, work=None,
            code=None):
        """Appends one call. operands: contiguous arrays or None, in the order of CY_OPERATIONS; code: int64
        array, the instructions of a map.
        """
        cdef cy_call *grown
        cdef cy_call *call
        cdef int i
        if len(operands) > CY_MAX_OPERANDS:
            raise ValueError("a call holds at most 12 operands")
        if self.count == self.capacity:
            grown = <cy_call *> realloc(self.calls, (2 * self.capacity + 8) * sizeof(cy_call))
            if grown == NULL:
                raise MemoryError()
            self.calls = grown
            self.capacity = 2 * self.capacity + 8
        call = &self.calls[self.count]
        describe(call, sizes, attributes, threads)
        for i, operand in enumerate(operands):
            call.p[i] = address(operand)
        call.work = address(work)
        call.code = <const int64_t *> address(code)
        call.kernel = cy_find(op, type, level).run
        self.kept.append((operands, work, code))
        self.count += 1
        self.threads = max(self.threads, threads)

    def run(self):
        """Runs every call, in order, in one stretch of C."""
        with nogil:
            cy_run(self.calls, self.count, self.company(), NULL)

    def run_timed(self, double[::1] seconds):
        """The same, adding each call's seconds to `seconds`."""
        if seconds.shape[0] < self.count:
            raise ValueError("one entry per call is needed")
        if self.count:
            with nogil:
                cy_run(self.calls, self.count, self.company(), &seconds[0])

    def run_batches(self, fed, const int64_t[:, ::1] rows, drawn, hyper, hypers, numbers,
                    double[:, ::1] noted, double[::1] seconds=None):
        """Runs every call once for each row of `rows` (steps, batch), in one stretch of C.

        fed: [(array, values)], array[i] = values[rows[step, i]] before each step. drawn: a uint64 that counts
        the steps, or None. hyper: the array that `hypers` (steps, ...) has for each step, or None. noted
        (steps, len(numbers)): the first element of each of `numbers`, all of one dtype, after each step.
        """
        cdef cy_batches b
        cdef bytearray room = bytearray(len(fed) * sizeof(cy_fed) + 1)
        cdef bytearray more_room = bytearray(len(numbers) * sizeof(void *) + 1)
        cdef cy_fed *feds = <cy_fed *> <char *> room
        cdef const void **places = <const void **> <char *> more_room
        cdef int i
        memset(&b, 0, sizeof(b))
        b.steps, b.batch = rows.shape[0], rows.shape[1]
        if noted.shape[0] < b.steps or noted.shape[1] != len(numbers):
            raise ValueError("`noted` has a row for each step, and a column for each number")
        if seconds is not None and seconds.shape[0] < self.count:
            raise ValueError("one entry per call is needed")
        if b.steps == 0 or b.batch == 0 or self.count == 0:
            return
        for i, (array, values) in enumerate(fed):
            if array.dtype != values.dtype or array.shape[1:] != values.shape[1:] or len(array) < b.batch:
                raise ValueError("the rows of the data are not those of the step")
            if len(values) == 0:
                raise ValueError("there are no rows")
            feds[i].from_, feds[i].to = <const char *> address(values), <char *> address(array)
            feds[i].bytes, feds[i].count = array.nbytes // len(array), len(values)
        b.fed, b.feds, b.rows = feds, len(fed), &rows[0, 0]
        b.drawn = <uint64_t *> address(drawn)
        if hyper is not None:
            if hypers.dtype != hyper.dtype or hypers.shape != (b.steps, *hyper.shape):
                raise ValueError("`hypers` has a `hyper` for each step")
            b.hyper, b.hypers = <char *> address(hyper), <const char *> address(hypers)
            b.hyper_bytes = hyper.nbytes
        for i, number in enumerate(numbers):
            if number.dtype != numbers[0].dtype:
                raise ValueError("the numbers of a step have one dtype")
            places[i] = address(number)
            b.wide = number.dtype == "float64"
        if len(numbers):
            b.number, b.numbers, b.noted = places, len(numbers), &noted[0, 0]
        cdef double *clock = NULL
        if seconds is not None:
            clock = &seconds[0]
        with nogil:
            cy_run_batches(self.calls, self.count, self.company(), clock, &b)

    cdef cy_company *company(self) noexcept nogil:
        """What runs with and without a team have taken; there is none to compare on one thread."""
        return &self.learned if self.threads > 1 else NULL


def rehearsal(together, alone):
    """How a plan would run, True for alone, whose runs would take so many seconds each: two sequences."""
    cdef cy_company company
    cdef double now = 0, seconds
    memset(&company, 0, sizeof(company))
    went = []
    for if_together, if_alone in zip(together, alone, strict=True):
        goes_alone = bool(cy_goes_alone(&company))
        went.append(goes_alone)
        seconds = if_alone if goes_alone else if_together
        now += seconds
        cy_ran(&company, seconds, now)
    return went


def best_level():
    """Name of the highest instruction-set level that this processor runs."""
    return cy_level_name(cy_best_level()).decode()


def levels():
    """Names of all levels that this processor runs, "naive" first."""
    return [name for name, i in LEVELS.items() if cy_has_level(i)]


def has_threads():
    """Whether the kernels were built to run on several threads."""
    return bool(cy_has_threads())


def compiler():
    """The C compiler that built the kernels, and its version."""
    return cy_compiler().decode()


def flags():
    """The flags common to all C files."""
    return cy_flags().decode()


def measure_fma(level, double seconds=0.2, int threads=1):
    """GFLOP/s of independent fused multiply-adds in registers: the ceiling of every kernel."""
    cdef int code = LEVELS[level]
    cdef double result
    if not cy_has_level(code):
        raise ValueError(f"this processor does not run {level!r}; it runs {levels()}")
    with nogil:
        result = cy_measure_fma(code, seconds, threads)
    return result


def measure_meeting(int threads):
    """Nanoseconds in which the threads of a team meet; 0 where none comes together."""
    cdef double result
    with nogil:
        result = cy_measure_meeting(threads)
    return result
