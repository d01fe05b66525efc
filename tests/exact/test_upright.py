"""Networks over time as Keras's Conv1D arrives, (1, 1, time, channels) between (1, time, channels): turned upright they
give the same to the bit, and stream by rows and over time, which they could not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.random import Generator

from tests.exact.cases import NIGHTLY
from tests.support.c_build import CModel, compile_plans, shared_library, write_library
from tests.support.compare import difference
from tests.support.hops import HopModel, compile_hops, frames_of, stream_complaint
from tests.support.tflite_builder import ModelBuilder
from tinygen import reference
from tinygen.errors import TinygenError
from tinygen.ir import Graph
from tinygen.kernels import build_program
from tinygen.load.tflite import parse_tflite
from tinygen.passes import PASSES, run_passes
from tinygen.passes.turn_upright import turn_upright
from tinygen.plan import make_plan
from tinygen.verify import verify

COUNT = 120 if NIGHTLY else 12
_SCALE, _ZERO = 0.05, -4
_SAME, _VALID = 0, 1


def _tensor(b: ModelBuilder, *shape: int) -> int:
    return b.tensor(shape, _SCALE, _ZERO)


def _reshaped(b: ModelBuilder, x: int, shape: tuple[int, ...]) -> int:
    y = _tensor(b, *shape)
    b.op("RESHAPE", [x, b.constant(np.array(shape, np.int32))], [y])
    return y


def _conv(b: ModelBuilder, rng: Generator, x: int) -> int:
    """Conv1D or DepthwiseConv1D; sometimes with PAD before it, as causal ones have it."""
    _, time, depth = b.shape(x)
    size, dilation = int(rng.integers(1, 5)), int(rng.choice((1, 1, 2, 3)))
    stride = int(rng.choice((1, 1, 2))) if dilation == 1 else 1
    reach = (size - 1) * dilation
    padding = _SAME if rng.random() < 0.4 else _VALID
    if padding == _VALID and (reach >= time or rng.random() < 0.5):
        pads = np.array([[0, 0], [reach, 0], [0, 0]], np.int32)
        padded = _tensor(b, 1, time + reach, depth)
        b.op("PAD", [x, b.constant(pads)], [padded])
        x, time = padded, time + reach
    lying = _reshaped(b, x, (1, 1, time, depth))
    out = -(-time // stride) if padding == _SAME else (time - reach - 1) // stride + 1
    depthwise = rng.random() < 0.3
    filters = depth if depthwise else int(rng.integers(2, 7))
    shape = (1, 1, size, depth) if depthwise else (filters, 1, size, depth)
    weights = b.constant(rng.integers(-127, 128, shape).astype(np.int8), 0.3 / 64 / (1 if depthwise else depth))
    y = _tensor(b, 1, 1, out, filters)
    options = {"strideH": 1, "strideW": stride, "dilationHFactor": 1, "dilationWFactor": dilation, "padding": padding}
    if depthwise:
        options["depthMultiplier"] = 1
    b.op("DEPTHWISE_CONV_2D" if depthwise else "CONV_2D", [lying, weights], [y], **options)
    return y if rng.random() < 0.3 else _reshaped(b, y, (1, out, filters))


def _pool(b: ModelBuilder, rng: Generator, x: int) -> int:
    _, time, depth = b.shape(x)
    if time < 4:
        return x
    y = _tensor(b, 1, 1, time // 2, depth)
    kind = str(rng.choice(("MAX_POOL_2D", "AVERAGE_POOL_2D")))
    lying = _reshaped(b, x, (1, 1, time, depth))
    b.op(kind, [lying], [y], strideH=1, strideW=2, filterHeight=1, filterWidth=2, padding=_VALID)
    return y


def _network(index: int) -> Graph:
    rng = np.random.default_rng([5, index])
    b = ModelBuilder()
    x = b.input((1, int(rng.integers(12, 40)), int(rng.integers(2, 6))), _SCALE, _ZERO)
    for _ in range(int(rng.integers(2, 6))):
        kind = rng.integers(6)
        if kind == 0:
            x = _pool(b, rng, x)
        elif kind == 1:  # a branch that meets x again
            y = _tensor(b, *b.shape(x))
            b.op("ABS", [x], [y])
            if rng.random() < 0.5:
                both = _tensor(b, *b.shape(x))
                b.op("ADD", [x, y], [both])
            else:
                both = _tensor(b, *b.shape(x)[:-1], 2 * b.shape(x)[-1])
                b.op("CONCATENATION", [x, y], [both], axis=-1)
            x = both
        elif kind == 2:
            alpha = b.constant(rng.integers(-128, 128, (1, b.shape(x)[-1])).astype(np.int8), 0.01)
            y = _tensor(b, *b.shape(x))
            b.op("MUL", [x, alpha], [y])
            x = y
        else:
            x = _conv(b, rng, x)
        if len(b.shape(x)) == 4:
            x = _reshaped(b, x, (1, *b.shape(x)[2:]))
    x = _conv(b, rng, x)
    x = _reshaped(b, x, (1, *b.shape(x)[-2:]))
    _, time, depth = b.shape(x)
    if rng.random() < 0.6:
        y = _tensor(b, 1, depth)
        b.op(str(rng.choice(("MEAN", "REDUCE_MAX"))), [x, b.constant(np.array([1], np.int32))], [y], keepDims=False)
    else:
        y = _tensor(b, 1, 3)
        weights = b.constant(rng.integers(-127, 128, (3, time * depth)).astype(np.int8), 0.1 / 64 / depth)
        b.op("FULLY_CONNECTED", [_reshaped(b, x, (1, time * depth)), weights], [y])
    return verify(parse_tflite(b.build([y]), f"upright_{index}", "upright"))


def _lying(graph: Graph) -> Graph:
    """All passes but the one."""
    for rewrite in PASSES:
        graph = graph if rewrite is turn_upright else verify(rewrite(graph))
    return graph


def test_upright_networks_are_the_same_and_smaller(tmp_path: Path) -> None:
    graphs = [_network(index) for index in range(COUNT)]
    lying, upright = [], []
    for graph in graphs:
        lying.append(make_plan(build_program(_lying(graph)), "ram"))
        upright.append(make_plan(build_program(run_passes(graph)), "ram"))
    models = compile_plans(upright, tmp_path, ("-O1",))
    rng = np.random.default_rng(1)
    for graph, plan in zip(graphs, upright, strict=True):
        for _ in range(4):
            sample = (rng.integers(-128, 128, graph.tensors[graph.inputs[0]].shape).astype(np.int8),)
            wanted = reference.run(graph, sample)
            assert not difference(reference.run(plan.program.graph, sample), wanted)
            assert not difference(models[graph.name].run(sample), wanted)
    assert all(a.arena_bytes <= b.arena_bytes for a, b in zip(upright, lying, strict=True))
    assert sum(plan.arena_bytes for plan in upright) < 0.75 * sum(plan.arena_bytes for plan in lying)
    assert sum(any(s.height for s in plan.segments) for plan in upright) > COUNT / 3


def test_upright_networks_take_frames(tmp_path: Path) -> None:
    """The input behind a RESHAPE comes row by row as any other does, and a row is a frame."""
    rng = np.random.default_rng(3)
    taken = 0
    for index in range(COUNT):
        graph = _network(index)
        try:
            plan = make_plan(build_program(run_passes(graph)), "ram", by_rows=True)
        except TinygenError:
            continue  # two layers read the input, and the first does not make all of its own of a frame
        folder = tmp_path / str(index)
        folder.mkdir()
        taken += 1
        assert plan.pushed is not None
        assert plan.pushed.rows == graph.tensors[graph.inputs[0]].shape[1]
        library = shared_library([write_library(plan, folder)], folder, ("-O1",))
        model = CModel(library, plan.program.graph, plan.pushed)
        for _ in range(2):
            sample = (rng.integers(-128, 128, graph.tensors[graph.inputs[0]].shape).astype(np.int8),)
            assert not difference(model.run(sample), reference.run(graph, sample))
    assert taken > COUNT / 2


def test_upright_networks_stream_over_time(tmp_path: Path) -> None:
    pairs = []
    for index in range(COUNT):
        graph = _network(index)
        whole = make_plan(build_program(run_passes(graph)), "speed")
        other = replace(whole.program.graph, name=f"{graph.name}_hop")
        try:
            pairs.append((whole, make_plan(build_program(other), "speed", hop=1 + index % 2)))
        except TinygenError:
            continue  # a stride, or an edge that touches all
    assert len(pairs) > COUNT / 3
    library = compile_hops([whole for whole, _ in pairs], [hop for _, hop in pairs], tmp_path, ("-O1",))
    rng = np.random.default_rng(2)
    for whole, hop in pairs:
        graph = whole.program.graph
        frames = frames_of(graph, 60, rng)
        assert not stream_complaint(CModel(library, graph), HopModel(library, hop), frames, 20)


def test_what_does_not_lie_stays() -> None:
    b = ModelBuilder()
    x = b.input((1, 8, 6, 2), _SCALE, _ZERO)
    y = _tensor(b, 1, 6, 4, 2)
    weights = b.constant(np.ones((2, 3, 3, 2), np.int8), 0.1)
    b.op("CONV_2D", [x, weights], [y], strideH=1, strideW=1, dilationHFactor=1, dilationWFactor=1, padding=_VALID)
    graph = verify(parse_tflite(b.build([y]), "image", "image"))
    assert turn_upright(graph) is graph
