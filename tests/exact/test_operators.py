"""TFLM = numpy reference = generated C, to the bit, for every operator; float forms meet TFLM within a tolerance."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from tests.exact.cases import COUNT, GENERATORS, NOT_IN_TFLM, Case, cases
from tests.support.c_build import CModel, compile_graphs
from tests.support.compare import difference, distance
from tests.support.tflite_builder import ModelBuilder
from tests.support.tflm import Tflm, needs_tflm
from tinygen import reference
from tinygen.ir import DType, Graph, Op
from tinygen.load.tflite import parse_tflite
from tinygen.ops import VARIANTS
from tinygen.verify import verify

FLAGS = ("-O3",)  # what library.json asks for


def test_every_operator_has_cases() -> None:
    names = {kind if dtype is DType.INT8 else f"{kind} {dtype.value}" for kind, dtype in VARIANTS}
    assert set(GENERATORS) == names - {"TABLE", "SHAPE"}  # see test_passes.py and test_shape.py
    assert COUNT >= 30


@needs_tflm
@pytest.mark.parametrize("kind", [kind for kind in GENERATORS if kind not in NOT_IN_TFLM])
def test_operator(kind: str, tmp_path: Path, record_property: Callable[[str, object], None]) -> None:
    chosen = cases(kind)
    models = compile_graphs([case.graph for case in chosen], tmp_path, FLAGS)
    with Tflm() as tflm:
        wrong = [complaint for case in chosen if (complaint := _compare(case, models[case.name], tflm))]
    inferences = sum(len(case.samples) for case in chosen)
    alone = " (numpy = C: TFLM has no such operator)" if kind in NOT_IN_TFLM else ""
    record_property("exact", f"{kind}: {len(chosen)} models, {inferences} inferences, {len(wrong)} wrong{alone}")
    assert not wrong, "\n".join(wrong[:5])


@pytest.mark.parametrize("kind", sorted(NOT_IN_TFLM))
def test_operator_that_tflm_lacks(kind: str, tmp_path: Path) -> None:
    chosen = cases(kind)
    models = compile_graphs([case.graph for case in chosen], tmp_path, FLAGS)
    for case in chosen:
        for sample in case.samples:
            complaint = difference(models[case.name].run(sample), reference.run(case.graph, sample))
            assert not complaint, f"{case}: C {complaint} (numpy)"


def _compare(case: Case, model: CModel, tflm: Tflm) -> str:
    """What differs, "" if nothing."""
    if case.kind in NOT_IN_TFLM:
        judge, answers = "numpy", [reference.run(case.graph, sample) for sample in case.samples]
    else:
        judge, answers = "TFLM", tflm.run(case.tflite, case.samples)
    is_float = case.kind.endswith("float32")
    for number, (sample, wanted) in enumerate(zip(case.samples, answers, strict=True)):
        by_numpy = reference.run(case.graph, sample)
        if is_float and (complaint := distance(by_numpy, wanted)):
            return f"{case}\n    sample {number}: numpy {complaint} ({judge})"
        judges = by_numpy if is_float else wanted
        for who, got in (("numpy", by_numpy), ("C", model.run(sample))):
            if complaint := difference(got, judges):
                return f"{case}\n    sample {number}: {who} {complaint} ({judge})"
    return ""


# What random drawing must have hit, so that a change of the generators cannot lose it unseen
_ACTIVATIONS = ("activation=NONE", "activation=RELU", "activation=RELU6", "activation=RELU_N1_TO_1")
_WINDOW = ("padding=SAME", "padding=VALID", "stride > 1", "several images", *_ACTIVATIONS)
_WEIGHTS = ("per tensor", "per channel", "no bias", "bias", "multiplier > 1", "multiplier < 2^-20")
_RANKS = ("rank 1", "rank 2", "rank 3", "rank 4")
WANTED: dict[str, tuple[str, ...]] = {
    "ADD": ("broadcast", "same shape", "constant first", "constant last", "several images", *_RANKS, *_ACTIVATIONS),
    "AVERAGE_POOL_2D": _WINDOW,
    "CONV_2D": (*_WINDOW, *_WEIGHTS, "dilation > 1", "1x1", "groups"),
    "DEPTHWISE_CONV_2D": (*_WINDOW, *_WEIGHTS, "dilation > 1", "depth multiplier"),
    "FULLY_CONNECTED": (*_WEIGHTS, *_RANKS, *_ACTIVATIONS, "keep_num_dims=True", "keep_num_dims=False", "several rows"),
    "MAX_POOL_2D": _WINDOW,
    "MEAN": ("keep_dims=True", "keep_dims=False", "several images"),
    "PAD": (*_RANKS, "several images"),
    "QUANTIZE": ("from float32", "from int8"),
    "SOFTMAX": (*_RANKS, "several rows"),
}


def _features(graph: Graph, op: Op) -> set[str]:
    x, y = graph.required(op, 0), graph.output(op)
    found = {f"rank {len(x.shape)}", f"from {x.dtype.value}"}
    for option in fields(op.options) if op.options else ():
        value = getattr(op.options, option.name)
        sizes = value if isinstance(value, tuple) and all(isinstance(v, int) for v in value) else (0,)
        found.add(f"{option.name} > 1" if max(sizes) > 1 else f"{option.name}={value}")
    if len(y.shape) == 4 and x.shape[0] > 1:
        found.add("several images")
    if y.shape and y.elements > y.shape[-1]:
        found.add("several rows")
    if op.kind == "ADD":
        other = graph.required(op, 1)
        found.add("same shape" if x.shape == other.shape else "broadcast")
        found |= {"constant first"} if x.data is not None else {"constant last"} if other.data is not None else set()
    return found | (_weight_features(graph, op) if "bias" in " ".join(WANTED[op.kind]) else set())


def _weight_features(graph: Graph, op: Op) -> set[str]:
    x, weights, y = graph.required(op, 0), graph.required(op, 1), graph.output(op)
    assert weights.quantization is not None
    multiplier = x.scale * max(weights.quantization.scale) / y.scale
    facts = {
        "no bias": graph.input(op, 2) is None,
        "bias": graph.input(op, 2) is not None,
        "per channel": weights.quantization.per_channel,
        "per tensor": not weights.quantization.per_channel,
        "multiplier > 1": multiplier > 1,
        "multiplier < 2^-20": multiplier < 2**-20,
        "1x1": weights.shape[1:3] == (1, 1),
        "groups": op.kind == "CONV_2D" and weights.shape[3] < x.shape[3],
        "depth multiplier": y.shape[-1] > x.shape[-1],
    }
    return {name for name, holds in facts.items() if holds}


@pytest.mark.parametrize("kind", WANTED)
def test_cases_cover(kind: str) -> None:
    counts = Counter(feature for case in cases(kind) for feature in _features(case.graph, case.graph.ops[0]))
    assert not {feature: counts[feature] for feature in WANTED[kind] if counts[feature] < 2}


@pytest.mark.parametrize("kind", GENERATORS)
def test_cases_tell_something(kind: str) -> None:
    """Most models answer with several values: not everything saturates or vanishes."""
    answers = [[reference.run(c.graph, sample)[0] for sample in c.samples[:2]] for c in cases(kind) if _large(c)]
    varied = [len(np.unique(answer)) > (1 if answer[0].dtype == bool else 3) for answer in answers]
    assert len(varied) > 7
    assert sum(varied) > 0.5 * len(varied)


def _large(case: Case) -> bool:
    return case.graph.tensors[case.graph.outputs[0]].elements > 4


@needs_tflm
@pytest.mark.parametrize("classes", [511, 512, 1000, 4095])
def test_softmax_of_many_classes(classes: int, tmp_path: Path) -> None:
    """TFLM aborts when 512 classes or more tie (its exponent leaves 31 bits); numpy and C go on, and agree."""
    b = ModelBuilder()
    x, y = b.input((2, classes), 1.0), b.tensor((2, classes), 1 / 256, -128)
    b.op("SOFTMAX", [x], [y], beta=1.0)
    content = b.build([y])
    graph = verify(parse_tflite(content, "softmax", "softmax"))
    model = compile_graphs([graph], tmp_path, ("-fsanitize=undefined", "-fsanitize-undefined-trap-on-error"))["softmax"]
    rng = np.random.default_rng(classes)
    peaked = rng.integers(-128, 128, (2, classes)).astype(np.int8)
    for sample in (peaked, np.zeros((2, classes), np.int8), np.minimum(peaked, -120)):
        assert not difference(model.run([sample]), reference.run(graph, [sample]))
    with Tflm() as tflm:
        assert not difference(reference.run(graph, [peaked]), tflm.run(content, [[peaked]])[0])


def test_quantize_of_special_floats(tmp_path: Path) -> None:
    """Where TFLM's cast to int32 is undefined, numpy and C saturate; NaN becomes the zero point."""
    b = ModelBuilder()
    x, y = b.input((8,), None, dtype="float32"), b.tensor((8,), 1e-3, 7)
    b.op("QUANTIZE", [x], [y])
    graph = verify(parse_tflite(b.build([y]), "special", "special"))
    flags = ("-fsanitize=undefined,float-cast-overflow", "-fsanitize-undefined-trap-on-error")
    sample = np.array([np.nan, np.inf, -np.inf, 3e38, -3e38, 5e6, -5e6, 0], np.float32)
    wanted = np.array([7, 127, -128, 127, -128, 127, -128, 7], np.int8)
    assert not difference(reference.run(graph, [sample]), [wanted])
    assert not difference(compile_graphs([graph], tmp_path, flags)["special"].run([sample]), [wanted])
