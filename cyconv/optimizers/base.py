"""What all optimisers share: the learning rate, the options, the slots, a step from end to end.

All trained variables lie in one arena, so a step is a few formulas over flat arrays, recorded with the step
of the model. What changes from step to step (learning rate, bias corrections) lies in the small array
`hyper`, written before each step; kernels read it as `live`, wherever the weights are.
"""

import re

import numpy as np

from .. import schedules
from ..configurable import Configurable
from . import passes
from .options import DEFAULTS, take
from .state import LearningRate, Number, Steps, slot_views

SHARED = 3  # `hyper` begins with the learning rate, the share of the running mean, whether it overwrites


class Optimizer(Configurable):
    """Base class. A subclass gives `slot_groups`, `update` and, where it needs more than the learning rate,
    `hyper_values`.

    learning_rate: a number, a schedule, or a function without arguments. Options that every optimiser takes:
    weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum, ema_overwrite_frequency, name
    (see `options.py`).
    """

    # Names of arrays as large as the weights, in groups. `variables` lists each group variable by variable.
    slot_groups = ()
    # Numbers that belong to the state, with their start; `hyper_values` may change them.
    extra = {}

    def __init__(self, learning_rate, **options):
        old_rate = take(self, options)
        self.name = self.name or type(self).__name__.lower()
        self._learning_rate, self._undecayed = None, lambda variable: False
        self.learning_rate = learning_rate if old_rate is None else old_rate
        self._steps, self.arena, self.slots, self.hyper = 0, None, {}, None
        self.live = None
        self.numbers = dict(self.extra)

    # Learning rate and steps -----------------------------------------------------------------------------

    @property
    def learning_rate(self):
        """The rate of the step that comes: a float that can also be `assign`ed."""
        return LearningRate(self._rate(), self)

    @property
    def knows_its_rates(self):
        """Whether the learning rate follows from the step's number, not from a function that may see more."""
        rate = self._learning_rate
        return isinstance(rate, schedules.LearningRateSchedule) or not callable(rate)

    def _rate(self):
        rate = self._learning_rate
        if isinstance(rate, schedules.LearningRateSchedule):
            rate = rate(self._steps)
        elif callable(rate):
            rate = rate()
        return float(rate)

    @learning_rate.setter
    def learning_rate(self, value):
        if isinstance(value, dict):
            value = schedules.get(value)
        if not callable(value):
            if isinstance(self._learning_rate, schedules.LearningRateSchedule):
                raise TypeError(
                    f"{self.name}: its learning rate follows {type(self._learning_rate).__name__} and cannot "
                    "be set; make the optimiser with a number instead"
                )
            value = float(value)
            if not value >= 0:
                raise ValueError(f"`learning_rate` must not be negative. Received: {value}")
        self._learning_rate = value

    @property
    def iterations(self):
        """The number of steps taken: an int that can also be `assign`ed."""
        return Steps(self._steps, self)

    def exclude_from_weight_decay(self, var_list=None, var_names=None):
        """No decay for these variables, nor for those whose name matches one of var_names, e.g. ["bias"]."""
        if self.arena is not None:
            raise ValueError("exclude_from_weight_decay must be called before the first step")
        listed = {id(v) for v in var_list or ()}
        pattern = re.compile("|".join(var_names)) if var_names else None

        def undecayed(variable):
            return id(variable) in listed or bool(pattern and pattern.search(variable.name))

        self._undecayed = undecayed

    # Slots -----------------------------------------------------------------------------------------------

    @property
    def slot_names(self):
        """All slots, in the order of `variables`."""
        return [name for group in self._groups() for name in group]

    def _groups(self):
        return [*([("average",)] if self.use_ema else []), *self.slot_groups]

    def slot_start(self, name):
        """What a slot is filled with at first."""
        return 0.0

    def slot_shape(self, name, variable):
        """The shape of a variable's slot, at most as large as the variable; None where it has none."""
        return variable.shape

    def attach(self, arena):
        """Makes the slots for `arena`; slots for the same variables keep their values."""
        before, backend = self.arena, arena.backend
        same = before is not None and [v.path for v in before.variables] == [v.path for v in arena.variables]
        kept = {n: before.backend.to_host(s) for n, s in self.slots.items()} if same else {}
        self.slots = {name: arena.zeros() for name in self.slot_names}
        for name, slot in self.slots.items():
            start = np.full(arena.size, self.slot_start(name), arena.dtype)
            backend.load(slot, kept.get(name, start))
        self.numbers = self.numbers if same else dict(self.extra)
        self.hyper = np.zeros(SHARED + len(self.hyper_values(1, 0.0)), arena.dtype)
        self.decays = [self.weight_decay_of(v) for v in arena.variables]
        self.arena = arena

    def weight_decay_of(self, variable):
        """The decay of a variable: 0 where it is excluded."""
        return 0.0 if self._undecayed(variable) else self.weight_decay or 0.0

    def finalize_variable_values(self, var_list=None):
        """Sets the weights to their running means, where there are such; `fit` calls it at its end."""
        if self.use_ema and self.arena is not None:
            mean = np.array(self.arena.backend.to_host(self.slots["average"]))
            self.arena.backend.load(self.arena.value, mean)

    # A step ----------------------------------------------------------------------------------------------

    def before_step(self):
        """Writes `hyper` for the step that comes."""
        hyper = memoryview(self.hyper)  # NumPy's way to a few numbers is longer
        for i, value in enumerate(self._hyper(self._steps + 1)):
            hyper[i] = value
        self._steps += 1

    def _hyper(self, step):
        rate, often = self._rate(), self.ema_overwrite_frequency
        kept = self.ema_momentum if step > 1 else 0.0  # the mean begins with the weights after the first step
        overwrite = float(bool(often) and step % often == 0)
        return (rate, kept, overwrite, *self.hyper_values(step, rate))

    def hyper_values(self, step, rate):
        """What `update` reads in step `step` (1, 2, ...) besides the learning rate."""
        return ()

    def update(self, w, g, rate, *slots_and_hyper):
        """The formula of a step, element by element: (w, slots...) after it."""
        raise NotImplementedError(f"{type(self).__name__} must define update(w, g, rate, slots..., hyper...)")

    def record(self, ops):
        """Records the step of the whole arena."""
        passes.clip(ops, self.arena, self.clipnorm, self.clipvalue, self.global_clipnorm)
        self.live = ops.live(self.hyper)
        rate, kept, overwrite, *hyper = (self.live[i : i + 1] for i in range(self.hyper.size))
        passes.decay(ops, self.arena, self.decays, rate)
        self.record_update(ops, rate, hyper)
        if self.use_ema:
            passes.average(ops, self.arena.value, self.slots["average"], kept, overwrite)

    def record_update(self, ops, rate, hyper):
        """Records `update`. hyper: an array of one element for each of `hyper_values`."""
        arena, slots = self.arena, [self.slots[n] for group in self.slot_groups for n in group]

        def step(*operands):
            return self.update(*operands)

        step.__name__ = type(self).__name__
        ops.map(step, arena.value, arena.gradient, rate, *slots, *hyper, out=(arena.value, *slots))

    def own_hyper(self):
        """The part of `hyper` that holds `hyper_values`, as one array."""
        return self.live[SHARED:]

    # State -----------------------------------------------------------------------------------------------

    @property
    def scalars(self):
        """How many `variables` stand before the slots: iterations, and a learning rate that is a number."""
        return 1 if callable(self._learning_rate) else 2

    @property
    def variables(self):
        """All that a continued training needs, in the order of Keras's files: iterations, learning rate
        (unless scheduled), the slots, group by group and in each variable by variable, other numbers.

        Each has name, path, shape, `numpy()` and `assign(values)`. Slots exist once training has begun.
        """
        numbers = [Number(self, name) for name in ("iteration", "learning_rate")[: self.scalars]]
        if self.arena is None:
            return numbers
        return [*numbers, *slot_views(self, self._groups()), *(Number(self, n) for n in self.extra)]

    def state(self):
        """Copies of all `variables`, as a list of arrays."""
        return [variable.numpy() for variable in self.variables]

    def load_state(self, arrays):
        """Sets all `variables`, or those before the slots; ValueError where number or shapes differ."""
        variables = self.variables
        if len(arrays) not in (len(variables), self.scalars):
            raise ValueError(f"{self.name} has {len(variables)} variables. Received: {len(arrays)} arrays")
        for variable, values in zip(variables, arrays, strict=False):
            if np.size(values) != variable.size:
                raise ValueError(f"{variable.path} has shape {variable.shape}. Received: {np.shape(values)}")
        for variable, values in zip(variables, arrays, strict=False):
            variable.assign(np.reshape(values, variable.shape))

    @classmethod
    def argument_names(cls):
        return super().argument_names() | set(DEFAULTS)

    def get_config(self):
        """The constructor's arguments and all options, as JSON values."""
        config = {k: v for k, v in super().get_config().items() if k not in ("lr", "decay")}
        rate = self._learning_rate
        config["learning_rate"] = config["learning_rate"] if callable(rate) else rate
        return {**config, **{name: getattr(self, name) for name in DEFAULTS}}
