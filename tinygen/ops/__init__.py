"""The operators that tinygen knows, one file each; a new file is found by itself.

The files here are for int8 (and for whatever moves bytes of any type); `int16/` has what an operator does to int16
activations, `float32/` what it does to float32.
"""

from __future__ import annotations

import importlib
import pkgutil

from tinygen.ir import DType, Graph, Op
from tinygen.ops.base import Operator


def _collect() -> dict[tuple[str, DType], Operator]:
    for module in pkgutil.walk_packages(__path__, f"{__name__}."):
        importlib.import_module(module.name)
    found: dict[tuple[str, DType], Operator] = {}
    pending = list(Operator.__subclasses__())
    while pending:
        cls = pending.pop()
        pending += cls.__subclasses__()
        if "kind" in cls.__dict__:
            found[cls.kind, cls.dtype] = cls()
    return dict(sorted(found.items(), key=lambda item: (item[0][0], item[0][1] is not DType.INT8, item[0][1].value)))


# by TFLite name and by the type of the data that is computed on
VARIANTS: dict[tuple[str, DType], Operator] = _collect()
# by name alone: the int8 form where there is one
OPERATORS: dict[str, Operator] = {kind: operator for (kind, _), operator in reversed(VARIANTS.items())}
OPERATORS = dict(reversed(OPERATORS.items()))


def operator_for(graph: Graph, op: Op) -> Operator:
    """The form of an operator that serves the types of its tensors: int16 or float32 if any is of that type.

    Variables do not count: an int8 LSTM has an int16 state.
    """
    tensors = (graph.tensors[i] for i in (*op.inputs, *op.outputs) if i >= 0 and not graph.tensors[i].is_variable)
    forms = ((op.kind, tensor.dtype) for tensor in tensors if tensor.dtype is not DType.INT8)
    return next((VARIANTS[form] for form in forms if form in VARIANTS), OPERATORS[op.kind])
