"""TFLM = numpy reference = generated C, to the bit, for every operator."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.exact.cases import COUNT, GENERATORS, Case, cases
from tests.support.c_build import CModel, compile_graphs
from tests.support.compare import difference
from tests.support.tflm import Tflm, needs_tflm
from tinygen import reference
from tinygen.ir import Graph, Op
from tinygen.ops import OPERATORS

FLAGS = ("-O3",)  # what library.json asks for


def test_every_operator_has_cases() -> None:
    assert set(GENERATORS) == set(OPERATORS)
    assert COUNT >= 30


@needs_tflm
@pytest.mark.parametrize("kind", GENERATORS)
def test_operator(kind: str, tmp_path: Path, record_property: Callable[[str, object], None]) -> None:
    chosen = cases(kind)
    models = compile_graphs([case.graph for case in chosen], tmp_path, FLAGS)
    with Tflm() as tflm:
        wrong = [complaint for case in chosen if (complaint := _compare(case, models[case.name], tflm))]
    inferences = sum(len(case.samples) for case in chosen)
    record_property("exact", f"{kind}: {len(chosen)} models, {inferences} inferences, {len(wrong)} wrong")
    assert not wrong, "\n".join(wrong[:5])


def _compare(case: Case, model: CModel, tflm: Tflm) -> str:
    """What differs, "" if nothing."""
    for number, (sample, wanted) in enumerate(zip(case.samples, tflm.run(case.tflite, case.samples), strict=True)):
        for who, got in (("numpy", reference.run(case.graph, sample)), ("C", model.run(sample))):
            if complaint := difference(got, wanted):
                return f"{case}\n    sample {number}: {who} {complaint} (TFLM)"
    return ""


# What random drawing must have hit, so that a change of the generators cannot lose it unseen
_FEATURES: dict[str, dict[str, Callable[[Graph, Op], bool]]] = {
    "CONV_2D": {
        "SAME": lambda g, op: op.options.padding == "SAME",
        "VALID": lambda g, op: op.options.padding == "VALID",
        "stride": lambda g, op: max(op.options.stride) > 1,
        "dilation": lambda g, op: max(op.options.dilation) > 1,
        "1x1": lambda g, op: g.required(op, 1).shape[1:3] == (1, 1),
        "groups": lambda g, op: g.required(op, 1).shape[3] < g.required(op, 0).shape[3],
        "batch": lambda g, op: g.output(op).shape[0] > 1,
        "no bias": lambda g, op: g.input(op, 2) is None,
        "per tensor": lambda g, op: not g.required(op, 1).quantization.per_channel,
        "per channel": lambda g, op: g.required(op, 1).quantization.per_channel,
        "multiplier > 1": lambda g, op: _conv_multiplier(g, op) > 1,
        "multiplier < 2^-20": lambda g, op: _conv_multiplier(g, op) < 2**-20,
        **{a: (lambda g, op, a=a: op.options.activation == a) for a in ("NONE", "RELU", "RELU6", "RELU_N1_TO_1")},
    },
    "DEPTHWISE_CONV_2D": {
        "depth multiplier": lambda g, op: g.output(op).shape[3] > g.required(op, 0).shape[3],
        "dilation": lambda g, op: max(op.options.dilation) > 1,
        "batch": lambda g, op: g.output(op).shape[0] > 1,
        "per tensor": lambda g, op: not g.required(op, 1).quantization.per_channel,
    },
    "FULLY_CONNECTED": {
        "keep_num_dims": lambda g, op: op.options.keep_num_dims,
        "rows": lambda g, op: g.output(op).elements > g.output(op).shape[-1],
        "rank 3": lambda g, op: len(g.required(op, 0).shape) == 3,
        "rank 4": lambda g, op: len(g.required(op, 0).shape) == 4,
        "per tensor": lambda g, op: not g.required(op, 1).quantization.per_channel,
        "per channel": lambda g, op: g.required(op, 1).quantization.per_channel,
        "no bias": lambda g, op: g.input(op, 2) is None,
    },
    "ADD": {
        "broadcast": lambda g, op: g.required(op, 0).shape != g.required(op, 1).shape,
        "same shape": lambda g, op: g.required(op, 0).shape == g.required(op, 1).shape,
        "constant": lambda g, op: g.required(op, 1).data is not None,
        "constant first": lambda g, op: g.required(op, 0).data is not None,
        "batch": lambda g, op: len(g.output(op).shape) == 4 and g.output(op).shape[0] > 1,
    },
    "AVERAGE_POOL_2D": {a: (lambda g, op, a=a: op.options.padding == a) for a in ("SAME", "VALID")},
    "MAX_POOL_2D": {a: (lambda g, op, a=a: op.options.activation == a) for a in ("NONE", "RELU", "RELU6")},
    "MEAN": {
        "keep_dims": lambda g, op: op.options.keep_dims,
        "no keep_dims": lambda g, op: not op.options.keep_dims,
        "batch": lambda g, op: g.required(op, 0).shape[0] > 1,
    },
    "PAD": {f"rank {r}": (lambda g, op, r=r: len(g.output(op).shape) == r) for r in (1, 2, 3, 4)},
    "QUANTIZE": {t: (lambda g, op, t=t: g.required(op, 0).dtype.value == t) for t in ("int8", "float32")},
    "SOFTMAX": {f"rank {r}": (lambda g, op, r=r: len(g.output(op).shape) == r) for r in (1, 2, 3, 4)},
}


def _conv_multiplier(graph: Graph, op: Op) -> float:
    x, weights, y = graph.required(op, 0), graph.required(op, 1), graph.output(op)
    assert weights.quantization is not None
    return x.scale * max(weights.quantization.scale) / y.scale


@pytest.mark.parametrize("kind", _FEATURES)
def test_cases_cover(kind: str) -> None:
    graphs = [case.graph for case in cases(kind)]
    missing = [name for name, holds in _FEATURES[kind].items() if sum(bool(holds(g, g.ops[0])) for g in graphs) < 2]
    assert not missing


@pytest.mark.parametrize("kind", GENERATORS)
def test_cases_tell_something(kind: str) -> None:
    """Most models answer with several values: not everything saturates or vanishes."""
    varied = [len(np.unique(reference.run(c.graph, c.samples[0])[0])) > 2 for c in cases(kind) if _large(c)]
    assert sum(varied) > 0.5 * len(varied) > 5


def _large(case: Case) -> bool:
    return case.graph.tensors[case.graph.outputs[0]].elements > 4
