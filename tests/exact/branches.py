"""Random networks of tensors cut into pieces and put together: CONCATENATION, PACK, SPLIT, SPLIT_V, UNPACK, SLICE along
any axis, pieces used several times, pieces that are inputs and outputs of the model, or constant."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from tests.exact import layers
from tests.exact.cases import Case, samples
from tests.support.tflite_builder import ModelBuilder
from tinygen.load.tflite import parse_tflite
from tinygen.verify import verify

_SCALE, _ZERO = 0.05, -3
_LARGEST = 4000  # elements of a tensor


def branch_networks(count: int) -> tuple[Case, ...]:
    """The first `count` of them, the same on every machine."""
    return tuple(_network(index) for index in range(count))


def _network(index: int) -> Case:
    rng = np.random.default_rng([31, index])
    b = ModelBuilder()
    shape = (1, *(int(n) for n in rng.choice((2, 4, 6, 8), 2)), int(rng.choice((2, 3, 4))))
    made = [b.input(shape, _SCALE, _ZERO) for _ in range(int(rng.choice((1, 1, 2))))]
    for _ in range(int(rng.integers(4, 12))):
        step = (_conv, _function, _split, _slice, _unpack, _concatenation, _concatenation, _pack)[rng.integers(8)]
        made += step(b, rng, made)
    used = {int(i) for op in b._ops for i in op.inputs}
    outputs = [y for y in made if y not in used] or made[-1:]
    outputs += [y for y in made if y not in b.inputs and y not in outputs and rng.random() < 0.15]
    content = b.build(outputs)
    graph = verify(parse_tflite(content, f"branches_{index}", "branches"))
    return Case("BRANCHES", graph.name, content, graph, samples(graph, rng))


def _tensor(b: ModelBuilder, shape: tuple[int, ...]) -> int:
    return b.tensor(shape, _SCALE, _ZERO)


def _pick(rng: Generator, made: list[int]) -> int:
    """One of the last ones, mostly."""
    return made[-1 - min(int(rng.exponential(2)), len(made) - 1)]


def _conv(b: ModelBuilder, rng: Generator, made: list[int]) -> list[int]:
    x = _pick(rng, made)
    if len(b.shape(x)) != 4:
        return _function(b, rng, made)
    n, h, w, depth = b.shape(x)
    weights = b.constant(
        rng.integers(-127, 128, (int(rng.integers(2, 5)), 3, 3, depth)).astype(np.int8), 0.4 / 64 / depth
    )
    y = _tensor(b, (n, h, w, b.shape(weights)[0]))
    options = {"strideH": 1, "strideW": 1, "dilationHFactor": 1, "dilationWFactor": 1}
    b.op("CONV_2D", [x, weights], [y], padding=layers.SAME, **options)
    return [y]


def _function(b: ModelBuilder, rng: Generator, made: list[int]) -> list[int]:
    """ABS, which any other tensor of the same scale may stand beside."""
    x = _pick(rng, made)
    y = _tensor(b, b.shape(x))
    b.op("ABS", [x], [y])
    return [y]


def _split(b: ModelBuilder, rng: Generator, made: list[int]) -> list[int]:
    x = _pick(rng, made)
    shape = b.shape(x)
    axis = int(rng.choice([a for a, n in enumerate(shape) if n > 1] or [0]))
    first = int(rng.integers(1, shape[axis])) if shape[axis] > 1 else 1
    sizes = [first, shape[axis] - first] if shape[axis] > 1 else [1]
    pieces = [_tensor(b, (*shape[:axis], size, *shape[axis + 1 :])) for size in sizes]
    if len(set(sizes)) == 1 and rng.random() < 0.7:
        b.op("SPLIT", [b.constant(np.array(axis, np.int32)), x], pieces, numSplits=len(pieces))
    else:
        lengths, where = b.constant(np.array(sizes, np.int32)), b.constant(np.array(axis, np.int32))
        b.op("SPLIT_V", [x, lengths, where], pieces, numSplits=len(pieces))
    return pieces


def _slice(b: ModelBuilder, rng: Generator, made: list[int]) -> list[int]:
    x = _pick(rng, made)
    shape = b.shape(x)
    axis = int(rng.integers(len(shape)))
    begin, size = [0] * len(shape), list(shape)
    begin[axis] = int(rng.integers(shape[axis]))
    size[axis] = int(rng.integers(1, shape[axis] - begin[axis] + 1))
    y = _tensor(b, tuple(size))
    b.op("SLICE", [x, *(b.constant(np.array(v, np.int32)) for v in (begin, size))], [y])
    return [y]


def _unpack(b: ModelBuilder, rng: Generator, made: list[int]) -> list[int]:
    x = _pick(rng, made)
    shape = b.shape(x)
    axis = int(rng.integers(len(shape)))
    if len(shape) < 3 or shape[axis] > 4:
        return []
    pieces = [_tensor(b, (*shape[:axis], *shape[axis + 1 :])) for _ in range(shape[axis])]
    b.op("UNPACK", [x], pieces, axis=axis, num=len(pieces))
    return pieces


def _beside(b: ModelBuilder, rng: Generator, made: list[int], x: int, axis: int | None) -> list[int]:
    """Tensors that fit beside x along an axis, x among them; sometimes it twice, or a constant."""
    shape = b.shape(x)

    def fits(other: tuple[int, ...]) -> bool:
        return len(other) == len(shape) and all(
            m == n for a, (m, n) in enumerate(zip(other, shape, strict=True)) if a != axis
        )

    found = [y for y in dict.fromkeys(made) if fits(b.shape(y)) and y != x]
    rng.shuffle(found)
    chosen = [x, *found[: int(rng.integers(1, 4))]]
    if rng.random() < 0.15 or len(chosen) == 1:
        chosen.append(x)
    if rng.random() < 0.2:
        chosen.append(b.constant(rng.integers(-128, 128, shape).astype(np.int8), _SCALE, _ZERO))
    rng.shuffle(chosen)
    return chosen


def _concatenation(b: ModelBuilder, rng: Generator, made: list[int]) -> list[int]:
    x = _pick(rng, made)
    shape = b.shape(x)
    outer = next((a for a, n in enumerate(shape) if n > 1), 0)
    axis = outer if rng.random() < 0.6 else int(rng.integers(len(shape)))
    parts = _beside(b, rng, made, x, axis)
    y = (*shape[:axis], sum(b.shape(p)[axis] for p in parts), *shape[axis + 1 :])
    if np.prod(y) > _LARGEST:
        return []
    made_here = _tensor(b, y)
    b.op("CONCATENATION", parts, [made_here], axis=axis, fusedActivationFunction=0)
    return [made_here]


def _pack(b: ModelBuilder, rng: Generator, made: list[int]) -> list[int]:
    x = _pick(rng, made)
    shape = b.shape(x)
    parts = _beside(b, rng, made, x, None)
    if len(shape) > 3 or len(parts) * np.prod(shape) > _LARGEST:
        return []
    axis = 0 if rng.random() < 0.7 else int(rng.integers(len(shape) + 1))
    y = _tensor(b, (*shape[:axis], len(parts), *shape[axis:]))
    b.op("PACK", parts, [y], axis=axis, valuesCount=len(parts))
    return [y]
