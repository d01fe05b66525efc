"""Elementwise operators with two inputs: what the random cases of generators_binary.py must have hit, and what
stands outside of TFLM's definitions (division by zero, floats that an integer does not hold)."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from tests.exact.cases import cases
from tests.exact.generators_binary import TYPES
from tests.support.c_build import compile_graphs, plan_of
from tests.support.compare import difference
from tests.support.tflite_builder import ModelBuilder
from tests.support.tflm import Tflm, needs_tflm
from tinygen import reference
from tinygen.errors import TinygenError
from tinygen.ir import Array, Graph, Op
from tinygen.load.tflite import parse_tflite
from tinygen.verify import verify

UBSAN = ("-O2", "-fsanitize=undefined,float-cast-overflow", "-fsanitize-undefined-trap-on-error")
_ACTIVATIONS = ("NONE", "RELU", "RELU6", "RELU_N1_TO_1")
_WALKS = ("same shape", "repeated", "repeated over images", "both repeated", "scalar", "rank 5", "constant first")
_COMPARISONS = ("GREATER", "GREATER_EQUAL", "LESS", "LESS_EQUAL")
WANTED: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("MUL", "SUB", "DIV"), (*_WALKS, *_ACTIVATIONS, "constant last")),
    **dict.fromkeys(("MAXIMUM", "MINIMUM", "SQUARED_DIFFERENCE", *_COMPARISONS), (*_WALKS, "constant last")),
    **dict.fromkeys(("EQUAL", "NOT_EQUAL"), (*_WALKS, "constant last", "bool", "int8")),
    **dict.fromkeys(("LOGICAL_AND", "LOGICAL_OR", "SELECT_V2"), (*_WALKS, "constant last")),
    "CAST": tuple(f"from {source}" for source in TYPES) + tuple(f"to {target}" for target in TYPES),
}


def _features(graph: Graph, op: Op) -> set[str]:
    inputs, y = [graph.required(op, i) for i in range(len(op.inputs))], graph.output(op)
    aligned = [(1,) * (len(y.shape) - len(t.shape)) + t.shape for t in inputs]
    facts = {
        "same shape": len({t.shape for t in inputs}) == 1,
        "repeated": any(t.shape != y.shape for t in inputs),
        "repeated over images": len(y.shape) == 4 and any(shape[0] < y.shape[0] for shape in aligned),
        "both repeated": all(t.shape != y.shape for t in inputs),
        "scalar": any(t.shape == () and t.shape != y.shape for t in inputs),
        "constant first": inputs[0].data is not None,
        "constant last": inputs[-1].data is not None,
    }
    named = {f"rank {len(y.shape)}", inputs[0].dtype.value, f"from {inputs[0].dtype.value}", f"to {y.dtype.value}"}
    return {name for name, holds in facts.items() if holds} | named | {getattr(op.options, "activation", "")}


@pytest.mark.parametrize("kind", WANTED)
def test_cases_cover(kind: str) -> None:
    counts = Counter(feature for case in cases(kind) for feature in _features(case.graph, case.graph.ops[0]))
    wanted = [f for f in WANTED[kind] if (kind, f) != ("DIV", "constant first")]  # a constant divisor is enough
    assert not {feature: counts[feature] for feature in wanted if counts[feature] < 2}


def _graph(content: bytes, name: str = "m") -> Graph:
    return verify(parse_tflite(content, name, name))


_REPEATED = (
    ((3, 2, 4, 5), (2, 1, 5)),
    ((3, 1, 1, 2), (1, 2, 3, 1)),
    ((2, 3, 2, 4, 3), (1, 3, 2, 1, 1)),
    ((4,), ()),
)


@needs_tflm
@pytest.mark.parametrize(("a", "b"), _REPEATED)
def test_add_is_broadcast_likewise(a: tuple[int, ...], b: tuple[int, ...], tmp_path: Path) -> None:
    """ADD over images and of rank 5, which the cases of ADD do not hold."""
    builder = ModelBuilder()
    pair = [builder.input(a, 0.1, 3), builder.input(b, 0.07, -9)]
    y = builder.tensor(np.broadcast_shapes(a, b), 0.15, 5)
    builder.op("ADD", pair, [y])
    content = builder.build([y])
    graph = _graph(content)
    rng = np.random.default_rng(3)
    sample = tuple(rng.integers(-128, 128, shape).astype(np.int8) for shape in (a, b))
    with Tflm() as tflm:
        wanted = tflm.run(content, [sample])[0]
    assert not difference(reference.run(graph, sample), wanted)
    assert not difference(compile_graphs([graph], tmp_path)["m"].run(sample), wanted)


def _divide(scales: tuple[float, float, float], zeros: tuple[int, int, int], name: str, activation: int = 0) -> Graph:
    """DIV of every int8 value by every other."""
    b = ModelBuilder()
    pair = [b.input((256, 1), scales[0], zeros[0]), b.input((256,), scales[1], zeros[1])]
    y = b.tensor((256, 256), scales[2], zeros[2])
    b.op("DIV", pair, [y], fusedActivationFunction=activation)
    return _graph(b.build([y]), name)


def _quotients(graph: Graph, a: Array, b: Array) -> Array:
    """What DIV should be in real numbers, in steps of the output; infinite where something is divided by zero."""
    x, d, y = (graph.tensors[i] for i in (*graph.inputs, *graph.outputs))
    with np.errstate(divide="ignore", invalid="ignore"):
        real = (x.scale * (a - float(x.zero_point))) / (d.scale * (b - float(d.zero_point)))
    return np.nan_to_num(real, nan=0.0, posinf=np.inf, neginf=-np.inf) / y.scale + y.zero_point


def test_division_is_right_for_all_values(tmp_path: Path) -> None:
    """Within a step of the real quotient, whatever the scales: by zero, far below a step, far outside."""
    rng = np.random.default_rng(11)
    graphs = []
    for index in range(24):
        scales = [2.0 ** rng.uniform(-35, 35) for _ in range(3)]
        if index % 4:
            scales[2] = scales[0] / scales[1] * 2.0 ** rng.uniform(-10, 3)
        zeros = [int(z) for z in rng.choice((-128, 127, 0, -1, 40), 3)]
        graphs.append(_divide((scales[0], scales[1], scales[2]), (zeros[0], zeros[1], zeros[2]), f"div_{index}"))
    models = compile_graphs(graphs, tmp_path, UBSAN)
    every = np.arange(-128, 128).astype(np.int8)
    for graph in graphs:
        sample = (every[:, None], every)
        (got,) = reference.run(graph, sample)
        assert not difference(models[graph.name].run(sample), [got])
        wanted = np.clip(_quotients(graph, every[:, None], every), -128, 127)
        assert np.abs(got - wanted).max() < 0.51 + 1e-4, graph.name


def test_division_by_zero_is_clamped_by_the_activation() -> None:
    graph = _divide((0.1, 0.1, 0.1), (3, -5, -20), "div", activation=3)
    every = np.arange(-128, 128).astype(np.int8)
    by_zero = reference.run(graph, (every[:, None], every))[0][:, 128 - 5]
    assert (by_zero[:132] == -20).all()
    assert (by_zero[132:] == 40).all()


_ODD = np.array([np.nan, np.inf, -np.inf, 128, -129, 127.99, -128.99, 32768, -32769, 2.0**31, -(2.0**31), -0.0, 1e-40])


@pytest.mark.parametrize(
    ("target", "wanted"),
    [
        ("int8", [0, 127, -128, 127, -128, 127, -128, 127, -128, 127, -128, 0, 0]),
        ("int16", [0, 32767, -32768, 128, -129, 127, -128, 32767, -32768, 32767, -32768, 0, 0]),
        ("int32", [0, 2**31 - 1, -(2**31), 128, -129, 127, -128, 32768, -32769, 2**31 - 1, -(2**31), 0, 0]),
        ("bool", [True] * 11 + [False, True]),
    ],
)
def test_casts_that_tflm_does_not_define(target: str, wanted: list[int], tmp_path: Path) -> None:
    b = ModelBuilder()
    y = b.tensor(_ODD.shape, dtype=target)
    b.op("CAST", [b.input(_ODD.shape, None, dtype="float32")], [y])
    graph = _graph(b.build([y]), f"cast_{target}")
    sample = (_ODD.astype(np.float32),)
    expected = [np.array(wanted, target)]
    assert not difference(reference.run(graph, sample), expected)
    assert not difference(compile_graphs([graph], tmp_path, UBSAN)[graph.name].run(sample), expected)


def test_bytes_that_are_no_bool_count_as_true(tmp_path: Path) -> None:
    """In the model file and, at the kernels, whatever an application left in the input."""
    b = ModelBuilder()
    x = b.input((256,), None, dtype="bool")
    outputs = []
    for kind in ("LOGICAL_AND", "EQUAL"):
        outputs.append(b.tensor((256,), dtype="bool"))
        b.op(kind, [x, b.constant(np.full(256, 7, np.uint8).view(bool))], [outputs[-1]])
    values = np.arange(256).astype(np.uint8)
    graph = _graph(b.build(outputs))
    got = compile_graphs([graph], tmp_path)["m"].run((values,))
    for answer in got:
        assert (answer.view(np.uint8) == (values != 0)).all()


def _pair(kind: str, shapes: tuple[tuple[int, ...], ...], output: float | None, **options: int) -> bytes:
    """Inputs of scale 0.5 and 0.5, zero point 0."""
    b = ModelBuilder()
    inputs = [b.input(shape, 0.5) for shape in shapes]
    y = b.tensor(np.broadcast_shapes(*shapes), output, dtype="int8" if output else "bool")
    b.op(kind, inputs, [y], **options)
    return b.build([y])


_SAME = ((2, 3), (2, 3))
_ZIGZAG = ((2, 1, 2, 1, 2), (1, 2, 1, 2, 1))


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (lambda: _pair("MAXIMUM", _SAME, 0.25), "same quantization"),
        (lambda: _pair("SUB", _SAME, 1e-7), "too far apart"),
        (lambda: _pair("MUL", _SAME, 1e-12), "too small"),
        (lambda: _pair("SQUARED_DIFFERENCE", _SAME, 1e-18), "too small"),
        (lambda: _pair("DIV", _SAME, 2.0**-130), "scale"),
        (lambda: _pair("MUL", _SAME, 0.5, fusedActivationFunction=4), "TANH"),
        (lambda: _pair("DIV", _SAME, 0.5, fusedActivationFunction=5), "SIGN_BIT"),
        (lambda: _pair("MUL", _ZIGZAG, 0.5), "more than 4 dimensions"),
        (lambda: _pair("LESS", _SAME, 0.5), "bool expected"),
        (lambda: _pair("LOGICAL_OR", _SAME, None), "bool expected"),
    ],
)
def test_refused(content: object, why: str) -> None:
    assert callable(content)
    with pytest.raises(TinygenError, match=why):
        plan_of(parse_tflite(content(), "m", "m"))


def test_comparison_of_large_scales_is_refused() -> None:
    b = ModelBuilder()
    y = b.tensor((2,), dtype="bool")
    b.op("LESS", [b.input((2,), 1.0), b.input((2,), 0.5)], [y])
    with pytest.raises(TinygenError, match="1 or more"):
        _graph(b.build([y]))


@pytest.mark.parametrize("shapes", [((2, 3), (2, 4)), ((3, 2), (3,)), ((2, 2, 2), (3, 1, 1))])
def test_shapes_that_do_not_fit_are_refused(shapes: tuple[tuple[int, ...], ...]) -> None:
    b = ModelBuilder()
    y = b.tensor(shapes[0], 0.5)
    b.op("MUL", [b.input(shape, 0.5) for shape in shapes], [y])
    with pytest.raises(TinygenError, match="cannot be broadcast"):
        _graph(b.build([y]))
