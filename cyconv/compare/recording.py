"""The whole model recorded as `fit` and `predict` record it, on one contestant: a program to run and time."""

from .. import fusion, graph, memory
from ..recorder import Recorder, realise
from .contestant import STEP, backward, numbered


class Recording:
    """A forward pass of `flat`, and in training the score and all gradients.

    fused: whether neighbouring layers become one operation first; None: as the variant has it.
    """

    def __init__(self, contestant, flat, inputs, score=None, fused=None):
        self.contestant, training = contestant, score is not None
        with contestant.on_stage() as backend:
            if fusion.enabled() if fused is None else fused:
                flat = fusion.fuse(flat, graph.shapes_in(flat, [a.shape for a in inputs]), training)
            ops = Recorder(backend, STEP)
            x = [contestant.array(a) for a in inputs]
            ops.phase = "zero"
            for gradient in contestant.gradients if training else ():
                if gradient is not None:
                    ops.fill(gradient)
            values, tape = graph.forward(ops, flat, x, training, needs_dx=training)
            outputs, gradients, loss = [ops.keep(values[n]) for n in flat.outputs], {}, None
            if training:
                ops.phase, ops.layer = "loss", "loss"
                loss, slopes = score.record(ops, outputs, contestant.dtype)
                gradients = dict(zip(flat.outputs, slopes, strict=True))
                backward(ops, tape, gradients, contestant.without)
            places = [ops.keep(gradients.get(n)) for n in flat.inputs]
            ops.keep(loss)
            real, _ = realise(ops, memory.place(ops.steps))
            self.steps, self.program = ops.steps, backend.program(ops.steps, ops.mailbox)
            self.outputs, self.loss = list(map(real, outputs)), real(loss)
            self.input_gradients = list(map(real, places))

    def run(self):
        """Runs once and waits until it is done: reads the score, or the outputs."""
        self.program.run()
        for array in [self.outputs[0]] if self.loss is None else [self.loss]:
            self.contestant.backend.to_host(array)

    def run_timed(self):
        """{(layer, phase): seconds} of one run, operation by operation."""
        seconds = {}
        for step, taken in zip(self.steps, self.program.run_timed(), strict=True):
            key = step.layer, step.phase
            seconds[key] = seconds.get(key, 0.0) + taken
        return seconds

    def results(self):
        """({name: array} of the forward pass, of the backward pass) of one run from the weights as given."""
        who = self.contestant
        with who.on_stage():
            who.restart(who.weights)
            self.program.run()
            forward = numbered("output", list(map(who.host, self.outputs)))
            if self.loss is None:
                return forward, {}
            forward["loss"] = who.host(self.loss)
            inputs = [None if a is None else who.host(a) for a in self.input_gradients]
            backward = numbered("gradient of input", inputs)
            for variable, gradient in zip(who.weights, who.gradients, strict=True):
                if gradient is not None:
                    backward[f"gradient of {variable.path}"] = who.host(gradient)
        return forward, backward
