"""How well a model does on test samples, for comparing it before and after compression.

Place in the flow: states.py asks for the float model and for its int8 form.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tinygen.ir import Array
from tinygen.quantize.flat import Flat
from tinygen.quantize.measure import Inputs, outputs


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """inputs: of one inference each. real: the first output (N, ...) of the float model as it was. classes: (N,) class
    numbers, or None. is_softmax: whether the model tells classes."""

    inputs: Sequence[Inputs]
    real: Array
    classes: Array | None
    is_softmax: bool

    @property
    def measure(self) -> str:
        """What a score is, in words."""
        count = len(self.inputs)
        if self.classes is not None:
            return f"accuracy on {count} test samples"
        if self.is_softmax:
            return f"same top-1 class as the float model at first, {count} samples"
        return f"1 less the error over the spread of the float model at first, {count} samples"

    def of(self, output: Array) -> float:
        """The score, 1 at most, of a first output (N, ...)."""
        got, real = (x.reshape(len(self.inputs), -1) for x in (output, self.real))
        if self.classes is not None:
            return float((got.argmax(1) == self.classes).mean())
        if self.is_softmax:
            return float((got.argmax(1) == real.argmax(1)).mean())
        return 1 - float(np.sqrt(((got - real) ** 2).mean()) / max(float(real.std()), 1e-12))

    def of_int8(self, content: bytes) -> float:
        """The score of an int8 .tflite."""
        first = int(Flat.of(content).graph.outputs[0])
        return self.of(outputs(content, self.inputs, [first])[first])
