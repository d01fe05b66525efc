"""Operators that only move elements, beyond what TFLM can judge: the element types that it does not take, its
undefined padding, TILE. Here the judge is LiteRT's interpreter with its reference kernels: no rounding is involved."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from tests.exact.cases import Case, cases, samples
from tests.exact.generators_movement import DRAWS, TFLM_DTYPES, Draw, Made, batched
from tests.support.c_build import compile_graphs, plan_of
from tests.support.compare import difference
from tests.support.tflite_builder import ModelBuilder
from tests.support.tflm import Tflm, needs_tflm
from tinygen import reference
from tinygen.errors import TinygenError
from tinygen.ir import Array, Graph, Op
from tinygen.kernels import build_program
from tinygen.load.tflite import parse_tflite
from tinygen.ops.base import KernelCall
from tinygen.passes import run_passes
from tinygen.verify import verify

DTYPES = ("int16", "int32", "float32", "bool", "int64", "uint8")
# what LiteRT does not run either: numpy and C are compared
_NOT_IN_LITERT = {
    *((kind, dtype) for kind in ("DEPTH_TO_SPACE", "SPACE_TO_DEPTH") for dtype in ("int16", "bool")),
    *((kind, "bool") for kind in ("PACK", "SPLIT", "SPLIT_V")),
    ("RESIZE_NEAREST_NEIGHBOR", "int64"),
    ("UNPACK", "int64"),
}
_LITERT = sorted(set(DRAWS) - {"BROADCAST_TO"})  # of which LiteRT has later versions only


def _case(name: str, kind: str, draw: Callable[[ModelBuilder, np.random.Generator], Made], seed: int) -> Case:
    rng = np.random.default_rng(seed)
    b = ModelBuilder()
    made = draw(b, rng)
    content = b.build([made] if isinstance(made, int) else made)
    graph = verify(parse_tflite(content, name, name))
    return Case(kind, name, content, graph, samples(graph, rng)[:1])


def _litert(content: bytes, sample: Sequence[Array]) -> tuple[Array, ...]:
    interpreter = Interpreter(model_content=content, experimental_op_resolver_type=OpResolverType.BUILTIN_REF)
    interpreter.allocate_tensors()
    for detail, array in zip(interpreter.get_input_details(), sample, strict=True):
        interpreter.set_tensor(detail["index"], array)
    interpreter.invoke()
    return tuple(interpreter.get_tensor(detail["index"]) for detail in interpreter.get_output_details())


def _check(chosen: list[Case], folder: Path, has_litert: Callable[[Case], bool] = lambda case: True) -> None:
    models = compile_graphs([case.graph for case in chosen], folder)
    for case in chosen:
        wanted = reference.run(case.graph, case.samples[0])
        assert not (complaint := difference(models[case.name].run(case.samples[0]), wanted)), f"{case}: C {complaint}"
        if has_litert(case):
            assert not (complaint := difference(wanted, _litert(case.tflite, case.samples[0]))), f"{case}: {complaint}"


def _judged(case: Case) -> bool:
    dtype = case.graph.tensors[case.graph.inputs[0]].dtype.value
    return case.kind in _LITERT and (case.kind, dtype) not in _NOT_IN_LITERT


@pytest.mark.parametrize("kind", DRAWS)
def test_other_types(kind: str, tmp_path: Path) -> None:
    others = [dtype for dtype in DTYPES if dtype not in TFLM_DTYPES[kind] and (kind, dtype) != ("PADV2", "int64")]
    chosen = [
        _case(f"{kind.lower()}_{dtype}_{seed}", kind, lambda b, rng, d=dtype: DRAWS[kind](Draw(b, rng, d)), seed)
        for dtype in others
        for seed in range(3)
    ]
    if chosen:
        _check(chosen, tmp_path, _judged)


def test_tile(tmp_path: Path) -> None:
    _check(list(cases("TILE")), tmp_path)


def test_space_to_batch_pads_with_the_zero_point(tmp_path: Path) -> None:
    def draw(b: ModelBuilder, rng: np.random.Generator) -> Made:
        return batched(Draw(b, rng, "int8"), "SPACE_TO_BATCH_ND")

    chosen = [_case(f"space_to_batch_{seed}", "SPACE_TO_BATCH_ND", draw, seed) for seed in range(40)]
    grown = [case for case in chosen if case.graph.output(case.graph.ops[0]).elements > case.samples[0][0].size]
    assert len(grown) > 10
    assert any(case.graph.tensors[0].zero_point for case in grown)
    _check(chosen, tmp_path)


def test_reverse_of_axes_apart(tmp_path: Path) -> None:
    """TFLM reverses neighbouring axes only."""

    def draw(b: ModelBuilder, rng: np.random.Generator) -> Made:
        x, y = b.input((3, 4, 5, 2), 0.5), b.tensor((3, 4, 5, 2), 0.5)
        b.op("REVERSE_V2", [x, b.constant(np.array([0, -1], np.int32))], [y])
        return y

    case = _case("reverse_apart", "REVERSE_V2", draw, 0)
    _check([case], tmp_path, lambda case: False)
    (x,) = case.samples[0]
    assert (reference.run(case.graph, [x])[0] == x[::-1, :, :, ::-1]).all()


@needs_tflm
def test_reverse_to_a_scale_of_its_own() -> None:
    """So it comes from TFLite's converter out of a bidirectional layer; the bytes are moved as they are."""
    b = ModelBuilder()
    x, y = b.input((2, 5, 3), 0.0030, 40), b.tensor((2, 5, 3), 0.0031, 37)
    b.op("REVERSE_V2", [x, b.constant(np.array([1], np.int32))], [y])
    content = b.build([y])
    sample = (np.arange(30, dtype=np.int8).reshape(2, 5, 3),)
    wanted = reference.run(verify(parse_tflite(content, "reverse", "reverse")), sample)
    assert (wanted[0] == sample[0][:, ::-1]).all()
    with Tflm() as tflm:
        assert not difference(wanted, tflm.run(content, [sample])[0])


def test_strided_slice_of_five_axes(tmp_path: Path) -> None:
    """TFLM takes four; LiteRT is the judge."""

    def draw(b: ModelBuilder, rng: np.random.Generator) -> Made:
        x, y = b.input((3, 2, 5, 4, 2), 0.5, 3), b.tensor((2, 3, 2, 2), 0.5, 3)
        slices = [b.constant(np.array(v, np.int32)) for v in ((1, 1, 4, 0, 0), (3, 2, -6, 4, 2), (1, 1, -2, 2, 1))]
        b.op("STRIDED_SLICE", [x, *slices], [y], beginMask=0, endMask=0, shrinkAxisMask=2)
        return y

    _check([_case("slice_of_five", "STRIDED_SLICE", draw, 0)], tmp_path)


_FEATURES: dict[str, dict[str, Callable[[Graph, Op], bool]]] = {
    "BATCH_TO_SPACE_ND": {
        "crops": lambda g, op: bool(g.required(op, 2).data.any()),
        "NHC": lambda g, op: len(g.output(op).shape) == 3,
        "batch": lambda g, op: g.output(op).shape[0] > 1,
    },
    "CONCATENATION": {
        "first axis": lambda g, op: op.options.axis == 0,
        "negative axis": lambda g, op: op.options.axis < 0,
        "constant": lambda g, op: any(g.tensors[i].data is not None for i in op.inputs),
        "one input twice": lambda g, op: len(set(op.inputs)) < len(op.inputs),
        "5 axes": lambda g, op: len(g.output(op).shape) == 5,
    },
    "GATHER": {
        "batch dims": lambda g, op: op.options.batch_dims > 0 and g.required(op, 0).shape[0] > 1,
        "negative batch dims": lambda g, op: op.options.batch_dims < 0,
        "between batch and axis": lambda g, op: 0 < op.options.batch_dims < op.options.axis,
        "last axis": lambda g, op: op.options.axis in (-1, len(g.required(op, 0).shape) - 1),
        "computed": lambda g, op: g.required(op, 1).data is None,
        "computed, batch dims": lambda g, op: op.options.batch_dims > 0 and g.required(op, 1).data is None,
    },
    "MIRROR_PAD": {mode: (lambda g, op, m=mode: op.options.mode == m) for mode in ("REFLECT", "SYMMETRIC")},
    "RESIZE_NEAREST_NEIGHBOR": {
        f"{corners} {centers}": (
            lambda g, op, a=corners, h=centers: (op.options.align_corners, op.options.half_pixel_centers) == (a, h)
        )
        for corners in (False, True)
        for centers in (False, True)
    },
    "PADV2": {
        "batch": lambda g, op: len(g.output(op).shape) == 4 and g.output(op).shape[0] > g.required(op, 0).shape[0],
        "float": lambda g, op: g.output(op).dtype.value == "float32",
    },
    "SPLIT_V": {"-1": lambda g, op: -1 in g.required(op, 1).data},
    "STRIDED_SLICE": {
        "begin mask": lambda g, op: op.options.begin_mask > 0,
        "end mask": lambda g, op: op.options.end_mask > 0,
        "shrink mask": lambda g, op: op.options.shrink_mask > 0,
        "negative stride": lambda g, op: bool((g.required(op, 3).data < 0).any()),
        "stride 2": lambda g, op: bool((g.required(op, 3).data > 1).any()),
    },
}


@pytest.mark.parametrize("kind", _FEATURES)
def test_cases_cover(kind: str) -> None:
    graphs = [case.graph for case in cases(kind)]
    missing = [name for name, holds in _FEATURES[kind].items() if sum(bool(holds(g, g.ops[0])) for g in graphs) < 2]
    assert not missing


def _calls(
    kind: str, shapes: Sequence[Sequence[int]], y: Sequence[int], *constants: Sequence[int], **options: object
) -> list[KernelCall]:
    """The kernel calls of one int8 operator with inputs of `shapes` and int32 constants behind them."""
    b = ModelBuilder()
    inputs = [b.input(shape, 0.5) for shape in shapes]
    inputs += [b.constant(np.array(values, np.int32)) for values in constants]
    out = b.tensor(y, 0.5)
    b.op(kind, inputs, [out], **options)
    return [step.call for step in build_program(run_passes(verify(parse_tflite(b.build([out]), "m", "m")))).steps]


def _field(call: KernelCall, name: str) -> object:
    return dict(call.params)[name]


def test_what_moves_nothing_costs_nothing() -> None:
    assert not _calls("TRANSPOSE", [(1, 1, 5, 3)], (5, 1, 1, 3), (2, 0, 1, 3))
    assert not _calls("SLICE", [(2, 3)], (2, 3), (0, 0), (-1, 3))
    assert not _calls("TILE", [(2, 3)], (2, 3), (1, 1))
    assert not _calls("MIRROR_PAD", [(2, 3)], (2, 3), ((0, 0), (0, 0)), mode=0)
    assert not _calls("GATHER", [(2, 3)], (2, 3), (0, 1), axis=0)


def test_contiguous_pieces_are_one_copy() -> None:
    calls = _calls("CONCATENATION", [(2, 7, 5), (3, 7, 5)], (5, 7, 5), axis=0)
    assert [_field(call, "run") for call in calls] == [70, 105]
    assert [_field(call, "rows") for call in calls] == [1, 1]


def test_images_are_joined_row_by_row() -> None:
    """Each output row needs one row of each input, so that a schedule may stream through."""
    calls = _calls("CONCATENATION", [(2, 6, 5, 3), (2, 6, 5, 4)], (2, 6, 5, 7), axis=3)
    for call, channels in zip(calls, (3, 4), strict=True):
        assert (call.inputs[0].rows, call.inputs[0].row_bytes) == (12, 5 * channels)
        assert (call.output.rows, call.output.row_bytes) == (12, 35)
        assert _field(call, "input_row_step") == 1


def test_more_loops_than_the_kernel_has(tmp_path: Path) -> None:
    """TILE of every axis of five: nine loops, so tables per axis do it in one call."""
    b = ModelBuilder()
    x, y = b.input((2, 3, 2, 3, 2), 0.5), b.tensor((4, 6, 4, 6, 4), 0.5)
    b.op("TILE", [x, b.constant(np.full(5, 2, np.int32))], [y])
    graph = verify(parse_tflite(b.build([y]), "tile", "tile"))
    assert [step.call.kernel for step in plan_of(graph).steps] == ["index_nd"]
    sample = np.arange(72, dtype=np.int8).reshape(2, 3, 2, 3, 2)
    (got,) = compile_graphs([graph], tmp_path)["tile"].run([sample])
    assert (got == np.tile(sample, (2,) * 5)).all()


def _two_scales() -> object:
    b = ModelBuilder()
    inputs = [b.input((2, 2), 0.5), b.input((2, 2), 0.25)]
    y = b.tensor((4, 2), 0.5)
    b.op("CONCATENATION", inputs, [y], axis=0)
    return plan_of(parse_tflite(b.build([y]), "m", "m"))


_SLICE = ([(2, 3)], (2, 3), (0, 0), (2, 3), (1, 1))
_REFUSED: dict[str, Callable[[], object]] = {
    "concatenation: activation": lambda: _calls("CONCATENATION", [(2, 2)], (2, 2), axis=0, fusedActivationFunction=1),
    "concatenation: axis": lambda: _calls("CONCATENATION", [(2, 2), (2, 2)], (4, 2), axis=2),
    "concatenation: shapes": lambda: _calls("CONCATENATION", [(2, 2), (2, 3)], (4, 2), axis=0),
    "concatenation: output": lambda: _calls("CONCATENATION", [(2, 2), (2, 2)], (5, 2), axis=0),
    "concatenation: scales": _two_scales,
    "slice: beyond the end": lambda: _calls("SLICE", [(2, 3)], (2, 3), (0, 1), (2, 3)),
    "slice: begin": lambda: _calls("SLICE", [(2, 3)], (2, 3), (0, -1), (2, 3)),
    "slice: size": lambda: _calls("SLICE", [(2, 3)], (2, 3), (0, 0), (2, -2)),
    "slice: 6 axes": lambda: _calls("SLICE", [(1,) * 6], (1,) * 6, (0,) * 6, (1,) * 6),
    "strided slice: ellipsis": lambda: _calls("STRIDED_SLICE", *_SLICE, ellipsisMask=1),
    "strided slice: new axis": lambda: _calls("STRIDED_SLICE", *_SLICE, newAxisMask=1),
    "strided slice: offset": lambda: _calls("STRIDED_SLICE", *_SLICE, offset=True),
    "strided slice: stride 0": lambda: _calls("STRIDED_SLICE", [(2, 3)], (2, 3), (0, 0), (2, 3), (1, 0)),
    "strided slice: too few": lambda: _calls("STRIDED_SLICE", [(2, 3)], (2, 3), (0,), (2,), (1,)),
    "strided slice: index": lambda: _calls("STRIDED_SLICE", [(2, 3)], (3,), (2, 0), (3, 3), (1, 1), shrinkAxisMask=1),
    "transpose: order": lambda: _calls("TRANSPOSE", [(2, 2)], (2, 2), (0, 0)),
    "squeeze: axis": lambda: _calls("SQUEEZE", [(1, 2)], (2,), squeezeDims=[1]),
    "expand dims: axis": lambda: _calls("EXPAND_DIMS", [(2, 2)], (2, 2, 1), (3,)),
    "gather: index": lambda: _calls("GATHER", [(2, 2)], (2, 2), (0, 2), axis=0),
    "gather: batch dims": lambda: _calls("GATHER", [(2, 2)], (2, 2), (0, 1), axis=0, batchDims=1),
    "tile: 0": lambda: _calls("TILE", [(2, 2)], (0, 2), (0, 1)),
    "broadcast: shape": lambda: _calls("BROADCAST_TO", [(2, 2)], (2, 3), (2, 3)),
    "reverse: twice": lambda: _calls("REVERSE_V2", [(2, 2)], (2, 2), (0, -2)),
    "mirror pad: too far": lambda: _calls("MIRROR_PAD", [(2, 2)], (4, 2), ((2, 0), (0, 0)), mode=0),
    "mirror pad: mode": lambda: _calls("MIRROR_PAD", [(2, 2)], (3, 2), ((1, 0), (0, 0)), mode=2),
    "space to depth: block": lambda: _calls("SPACE_TO_DEPTH", [(1, 3, 4, 1)], (1, 1, 2, 4), blockSize=2),
    "depth to space: block 0": lambda: _calls("DEPTH_TO_SPACE", [(1, 2, 2, 4)], (1, 4, 4, 1), blockSize=0),
    "space to batch: block": lambda: _calls("SPACE_TO_BATCH_ND", [(1, 3, 1)], (2, 1, 1), (2,), ((0, 0),)),
    "batch to space: block": lambda: _calls("BATCH_TO_SPACE_ND", [(3, 3, 1)], (1, 6, 1), (2,), ((0, 0),)),
    "batch to space: crops": lambda: _calls("BATCH_TO_SPACE_ND", [(2, 1, 1)], (1, 0, 1), (2,), ((1, 1),)),
    "resize: size": lambda: _calls("RESIZE_NEAREST_NEIGHBOR", [(1, 2, 2, 1)], (1, 0, 2, 1), (0, 2)),
    "pack: count": lambda: _calls("PACK", [(2,), (2,)], (2, 2), axis=0, valuesCount=3),
    "unpack: count": lambda: _calls("UNPACK", [(1, 2)], (2,), axis=0, num=2),
    "split: pieces": lambda: _calls("UNPACK", [(2, 2)], (2,), axis=0, num=1),
    "padv2: no value": lambda: _calls("PADV2", [(2, 2)], (3, 2), ((1, 0), (0, 0))),
    "padv2: value of another type": lambda: _calls("PADV2", [(2, 2)], (3, 2), ((1, 0), (0, 0)), (1,)),
}


@pytest.mark.parametrize("name", _REFUSED)
def test_refused(name: str) -> None:
    with pytest.raises(TinygenError) as caught:
        _REFUSED[name]()
    assert "tensor_" in str(caught.value)  # the layer is named


def test_not_refused_otherwise() -> None:
    assert not _calls("STRIDED_SLICE", *_SLICE)
    assert _calls("SPACE_TO_BATCH_ND", [(1, 4, 1)], (2, 2, 1), (2,), ((0, 0),))
    assert _calls("MIRROR_PAD", [(2, 2)], (3, 2), ((1, 0), (0, 0)), mode=0)
    assert _calls("GATHER", [(2, 2)], (2, 2), (1, 0), axis=0)
