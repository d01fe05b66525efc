"""Property tests of the passes that look for a pattern: random graphs with the pattern, nearly, and not at all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from math import prod
from pathlib import Path

import numpy as np
import pytest
from numpy.random import Generator

from tests.support.c_build import compile_graphs
from tests.support.compare import difference
from tests.support.tflite_builder import ModelBuilder
from tinygen import reference
from tinygen.ir import Graph
from tinygen.load.tflite import parse_tflite
from tinygen.passes import run_passes
from tinygen.passes.drop_broadcasts import drop_broadcasts
from tinygen.passes.fold_islands import fold_islands
from tinygen.passes.fold_upsampling import fold_upsampling
from tinygen.passes.merge_concatenations import merge_concatenations
from tinygen.passes.move_dequantize import move_dequantize
from tinygen.passes.pad_behind_reshape import aligned, pad_behind_reshape
from tinygen.verify import verify

GRAPHS = 60
COMPILED = 20  # of them
_Q = (0.5, 3)


def _ints(b: ModelBuilder, values: object) -> int:
    return b.constant(np.array(values, np.int32))


def _reshape(b: ModelBuilder, x: int, shape: tuple[int, ...]) -> int:
    y = b.tensor(shape, *_Q)
    b.op("RESHAPE", [x, _ints(b, shape)], [y])
    return y


def _tile(b: ModelBuilder, x: int, multiples: tuple[int, ...]) -> int:
    y = b.tensor([n * m for n, m in zip(b.shape(x), multiples, strict=True)], *_Q)
    b.op("TILE", [x, _ints(b, multiples)], [y])
    return y


def upsampling(b: ModelBuilder, rng: Generator) -> list[int]:
    """RESHAPE and TILE as Keras's UpSampling layers arrive, or with other multiples, or with other shapes around."""
    n, h, w, c, up, right = (int(v) for v in rng.integers(1, 4, 6))
    outputs = []
    if rng.random() < 0.3:  # one axis, with time as the height
        x = b.input((n, h, c), *_Q)
        y = _reshape(b, _tile(b, _reshape(b, x, (n, h, 1, c)), (1, 1, up, 1)), (n, h * up, c))
    else:
        x = b.input((n, h, w, c), *_Q)
        odd = int(rng.integers(1, 3)) if rng.random() < 0.3 else 1  # repeats rows as a whole: no resize
        y = _tile(b, _reshape(b, x, (n, h, 1, w, c)), (1, odd, up, 1, 1))
        y = _reshape(b, y, (n, h * odd * up, w, 1, c))
        if rng.random() < 0.2:
            outputs.append(y)  # looked at in the middle
        y = _reshape(b, _tile(b, y, (1, 1, 1, right, 1)), (n, h * odd * up, w * right, c))
    if rng.random() < 0.3:
        y = _reshape(b, y, (prod(b.shape(y)),))
    return [*outputs, y]


def padded_sequence(b: ModelBuilder, rng: Generator) -> list[int]:
    """PAD, a RESHAPE, and a convolution behind it or none; sometimes the RESHAPE is more than axes of one."""
    length, channels, before, after = (int(v) for v in (*rng.integers(3, 7, 2), *rng.integers(0, 3, 2)))
    x = b.input((1, length, channels), *_Q)
    pads = [[0, 0], [before, after], [0, int(rng.random() < 0.2)]]
    shape = tuple(n + sum(p) for n, p in zip((1, length, channels), pads, strict=True))
    y = b.tensor(shape, *_Q)
    b.op("PAD", [x, _ints(b, pads)], [y])
    _, steps, width = shape
    kind = rng.integers(4)
    if kind == 0:
        return [_reshape(b, y, (steps * width,))]
    image = ((1, 1, steps, width), (1, steps, 1, width), (1, 1, width, steps))[kind - 1]
    y = _reshape(b, y, image)
    size = (2, 1, 3, image[3]) if kind != 2 else (2, 3, 1, image[3])
    if min(image[1] - size[1], image[2] - size[2]) < 0:
        return [y]
    weights = b.constant(rng.integers(-127, 128, size).astype(np.int8), 0.01)
    z = b.tensor((1, image[1] - size[1] + 1, image[2] - size[2] + 1, 2), 1.0, -5)
    options = {"padding": 1, "strideH": 1, "strideW": 1, "dilationHFactor": 1, "dilationWFactor": 1}
    b.op("CONV_2D", [y, weights], [z], fusedActivationFunction=0, **options)
    return [z]


def float_movement(b: ModelBuilder, rng: Generator) -> list[int]:
    """DEQUANTIZE, operators that move, and QUANTIZE to the same scale, to another one, or none."""
    rows, columns = 2 * int(rng.integers(1, 4)), int(rng.integers(1, 5))
    x = b.input((rows, columns), *_Q)
    real, first, second = (b.tensor((n, columns), dtype="float32") for n in (rows, rows // 2, rows // 2))
    b.op("DEQUANTIZE", [x], [real])
    b.op("SPLIT", [_ints(b, 0), real], [first, second], numSplits=2)
    turned = b.tensor((columns, rows // 2), dtype="float32")
    b.op("TRANSPOSE", [second, _ints(b, (1, 0))], [turned])
    outputs = []
    for tensor in (first, turned):
        style = rng.random()
        if style < 0.2:
            outputs.append(tensor)
            continue
        y = b.tensor(b.shape(tensor), *(_Q if style < 0.7 else (0.7, -4)))
        b.op("QUANTIZE", [tensor], [y])
        outputs.append(b.tensor(b.shape(tensor), *_Q))
        b.op("RELU", [y], [outputs[-1]])
    return outputs


def concatenations(b: ModelBuilder, rng: Generator) -> list[int]:
    """A chain of concatenations along mostly one axis, some of which are read twice."""
    shape = (2, 3, 2)
    pending, outputs = [b.input(shape, *_Q)], []
    y = pending[0]
    for _ in range(int(rng.integers(2, 5))):
        axis = int(rng.choice((2, 2, 2, -1, 1)))
        piece = list(b.shape(y))
        piece[axis] = int(rng.integers(1, 3))
        parts = [y, b.input(piece, *_Q)]
        if rng.random() < 0.15:
            parts.append(y)
        parts = [parts[i] for i in rng.permutation(len(parts))]
        whole = list(b.shape(y))
        whole[axis] = sum(b.shape(part)[axis] for part in parts)
        y = b.tensor(whole, *_Q)
        b.op("CONCATENATION", parts, [y], axis=axis, fusedActivationFunction=0)
        if rng.random() < 0.2:
            outputs.append(y)
    return list(dict.fromkeys([*outputs, y]))


def broadcasts(b: ModelBuilder, rng: Generator) -> list[int]:
    """BROADCAST_TO before an operator with two inputs, on one side, on both sides, or before another operator."""
    shape = tuple(int(n) for n in rng.integers(1, 4, int(rng.integers(1, 5))))

    def operand() -> int:
        if rng.random() < 0.4:
            return b.input(shape, *_Q)
        x = b.input([n if rng.random() < 0.5 else 1 for n in shape], *_Q)
        y = b.tensor(shape, *_Q)
        b.op("BROADCAST_TO", [x, _ints(b, shape)], [y])
        return y

    kind = str(rng.choice(("ADD", "MUL", "MAXIMUM", "GREATER", "SQUARED_DIFFERENCE")))
    a, c = operand(), operand()
    y = b.tensor(shape, dtype="bool") if kind == "GREATER" else b.tensor(shape, *_Q)
    b.op(kind, [a, c], [y])
    if rng.random() < 0.2:
        z = b.tensor(shape[::-1], *_Q)
        b.op("TRANSPOSE", [a, _ints(b, range(len(shape))[::-1])], [z])
        return [y, z]
    return [y]


def islands(b: ModelBuilder, rng: Generator) -> list[int]:
    """DEQUANTIZE, some float operators, and QUANTIZE; sometimes one of them is looked at, or has two inputs."""
    x = b.input((3, 70), float(2.0 ** rng.integers(-7, -3)), int(rng.integers(-20, 20)))
    y = b.tensor((3, 70), dtype="float32")
    b.op("DEQUANTIZE", [x], [y])
    outputs = []
    for _ in range(int(rng.integers(0, 3))):
        z = b.tensor((3, 70), dtype="float32")
        kind = str(rng.choice(("ELU", "NEG", "SQUARE", "TANH", "ABS", "RELU", "ADD")))
        if kind == "ADD":
            b.op("ADD", [y, y], [z], fusedActivationFunction=0)
        else:
            b.op(kind, [y], [z])
        if rng.random() < 0.1:
            outputs.append(z)
        y = z
    z = b.tensor((3, 70), float(2.0 ** rng.integers(-7, -3)), int(rng.integers(-20, 20)))
    b.op("QUANTIZE", [y], [z])
    return [*outputs, z]


Build = Callable[[ModelBuilder, Generator], list[int]]
# pass, graphs, and which operators must become fewer in many of them
PATTERNS: tuple[tuple[Callable[[Graph], Graph], Build, str], ...] = (
    (fold_upsampling, upsampling, "TILE"),
    (pad_behind_reshape, padded_sequence, "PAD"),
    (move_dequantize, float_movement, "DEQUANTIZE"),
    (fold_islands, islands, "DEQUANTIZE"),
    (merge_concatenations, concatenations, "CONCATENATION"),
    (drop_broadcasts, broadcasts, "BROADCAST_TO"),
)


def _graphs(build: Build) -> list[Graph]:
    graphs = []
    for seed in range(GRAPHS):
        b = ModelBuilder()
        outputs = build(b, np.random.default_rng([7, seed]))
        name = f"{build.__name__}_{seed}"
        graphs.append(verify(parse_tflite(b.build(outputs), name, name)))
    return graphs


def _kinds(graph: Graph) -> Counter[str]:
    return Counter(op.kind for op in graph.ops)


@pytest.mark.parametrize(("rewrite", "build", "kind"), PATTERNS, ids=lambda x: getattr(x, "__name__", ""))
def test_random_graphs(rewrite: Callable[[Graph], Graph], build: Build, kind: str, tmp_path: Path) -> None:
    graphs = _graphs(build)
    models = compile_graphs(graphs[:COMPILED], tmp_path, ("-O1",))
    rng = np.random.default_rng(1)
    fewer = kept = 0
    for graph in graphs:
        sample = tuple(rng.integers(-128, 128, graph.tensors[i].shape).astype(np.int8) for i in graph.inputs)
        wanted = reference.run(graph, sample)
        assert not difference(reference.run(verify(rewrite(graph)), sample), wanted), graph.name
        assert not difference(reference.run(run_passes(graph), sample), wanted), graph.name
        if graph.name in models:
            assert not difference(models[graph.name].run(sample), wanted), graph.name
        before, after = _kinds(graph)[kind], _kinds(run_passes(graph))[kind]
        fewer += after < before
        kept += after > 0
    assert min(fewer, kept) > 5


def test_axes_of_one() -> None:
    pads = ((0, 0), (2, 1), (0, 3))
    assert aligned(pads, (1, 8, 5), (1, 1, 8, 5)) == ((0, 0), (0, 0), (2, 1), (0, 3))
    assert aligned(pads, (1, 8, 5), (8, 1, 5)) == ((2, 1), (0, 0), (0, 3))
    assert aligned(pads, (1, 8, 5), (8, 5, 1)) == ((2, 1), (0, 3), (0, 0))
    assert aligned(pads, (1, 8, 5), (1, 5, 8)) is None
    assert aligned(pads, (1, 8, 5), (1, 40)) is None
    assert aligned(pads, (1, 8, 5), (1, 8)) is None
