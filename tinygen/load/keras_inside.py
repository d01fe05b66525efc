"""The values inside a float model, by the names that its int8 form has, too. Imports TensorFlow.

Place in the flow: worker.py calls it in the child process for the HTML report of `tinygen test`. The model is converted
once more, without quantization: the converter then leaves the same operators with the same names.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
import numpy.typing as npt

from tinygen.load.keras_convert import Traced, convert_float, need_no_loops
from tinygen.load.keras_model import FloatModel
from tinygen.quantize.flat import Flat
from tinygen.quantize.measure import outputs

Floats = npt.NDArray[np.float32]


def inside(
    model: FloatModel,
    traced: Traced,
    shapes: Mapping[str, tuple[int, ...]],
    samples: Mapping[str, Floats],
    names: Collection[str],
) -> dict[str, Floats]:
    """The tensors of these names, (N, ...), for samples (N, ...); those that the float model has not are left out.

    Raises TinygenError when the model cannot be converted.
    """
    need_no_loops(model, traced)
    flat = Flat.of(convert_float(model, shapes, traced))
    found = {flat.name(i): i for i in flat.activations() if flat.name(i) in names}
    count = len(next(iter(samples.values())))
    inputs = [[samples[t.name][k].reshape(shapes[t.name]) for t in model.inputs] for k in range(count)]
    values = outputs(flat.content, inputs, tuple(found.values()))
    return {name: values[index] for name, index in found.items()}
