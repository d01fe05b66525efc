"""Where an int8 model loses what its float model knows: layer by layer, with causes and remedies.

Place in the flow: load/worker.py calls `diagnose` in the child process for `tinygen doctor MODEL`, after improve.py.

A layer's share of the loss: the numpy reference runs the int8 model with everything up to and including a layer taken
from the float model, for each layer. What the error at the model's output falls by from one to the next is what that
layer adds. Shares are of the noise power, negative ones count as none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygen import reference
from tinygen.ir import Array, Graph
from tinygen.load.tflite import parse_tflite
from tinygen.quantize.flat import Flat, matched
from tinygen.quantize.improve import decisive, some
from tinygen.quantize.measure import Inputs, Progress, Seen, look, outputs, sqnr_db

_WORK = 4e9  # multiply-accumulates of the numpy reference, which is slow
_MOST_SAMPLES = 16


@dataclass(frozen=True, slots=True)
class LayerHealth:
    """One operator's output.

    sqnr_db: against the float model, all errors before it included. share: of the noise at the model's output, 0 to 1.
    low, high: what the float model reaches. step: the scale, real units. saturated: the part of float values that the
    int8 range cuts off by more than a step (the 1 of a SOFTMAX, whose range is fixed, is not). channel_ratio: how much
    farther the widest channel reaches than the narrowest quarter of them. weights_db: SQNR of the weights alone, None
    without.
    """

    index: int
    operator: str
    name: str
    sqnr_db: float
    share: float
    low: float
    high: float
    step: float
    saturated: float
    channels: int
    dead_channels: int
    channel_ratio: float
    weights_db: float | None


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """The layers in their order. output_share: of the noise, what rounding the output alone makes. samples: how many
    the shares were measured on."""

    layers: tuple[LayerHealth, ...]
    output_share: float
    samples: int


def diagnose(floating: bytes, content: bytes, samples: Sequence[Inputs], done: Progress) -> Diagnosis:
    """Compare an int8 .tflite with the float .tflite it was made of, on float32 samples.

    Raises TinygenError if tinygen cannot run it.
    """
    flat, source = Flat.of(content), Flat.of(floating)
    graph = parse_tflite(content, "model", "the int8 model")
    twins = {q: f for q, f in matched(flat, source).items() if graph.tensors[q].quantization is not None}
    activations = {q: twins[q] for q in flat.activations() if q in twins}
    seen = look(floating, samples, sorted(set(activations.values())), lambda count, total: None)
    few = some(samples, min(_MOST_SAMPLES, _WORK / max(1, flat.macs() * len(graph.ops))))
    real = outputs(floating, few, sorted(set(activations.values())))
    ends = [i for i in decisive(flat) if i in activations]
    ladder = _ladder(graph, few, activations, real, ends, done)
    falls = np.maximum(-np.diff(ladder), 0)
    total = float(falls.sum() + ladder[-1]) or 1.0
    int8 = _all_values(graph, few, activations)
    layers = []
    for index, op in enumerate(graph.ops):
        y = op.outputs[0]
        if y not in activations:
            continue
        held = seen[activations[y]]
        layers.append(_health(flat, source, twins, index, op.name, y, held, real, int8, float(falls[index] / total)))
    return Diagnosis(tuple(layers), float(ladder[-1] / total), len(few))


def _health(
    flat: Flat,
    source: Flat,
    twins: Mapping[int, int],
    index: int,
    name: str,
    tensor: int,
    held: Seen,
    real: Mapping[int, Array],
    int8: Mapping[int, Array],
    share: float,
) -> LayerHealth:
    quantization = flat.quantization(tensor)
    assert quantization is not None
    scale, zero_point = float(quantization[0][0]), int(quantization[1][0])
    low, high = (scale * (end - zero_point) for end in (-129, 128))
    most = held.channel_most
    alive = most[most > 0]
    op = flat.graph.operators[index]
    return LayerHealth(
        index=index,
        operator=flat.kind(op),
        name=name,
        sqnr_db=float(sqnr_db(real[twins[tensor]], int8[tensor]).mean()),
        share=share,
        low=float(held.low.min()),
        high=float(held.high.max()),
        step=scale,
        saturated=float(((held.values < low) | (held.values > high)).mean()),
        channels=len(most),
        dead_channels=int((most == 0).sum()),
        channel_ratio=float(alive.max() / np.percentile(alive, 25)) if alive.size else 1.0,
        weights_db=_weights_db(flat, source, twins, op),
    )


def _weights_db(flat: Flat, source: Flat, twins: Mapping[int, int], op: Any) -> float | None:
    inputs = [int(i) for i in op.inputs]
    if len(inputs) < 2 or inputs[1] not in twins:
        return None
    steps, own, real = flat.data(inputs[1]), flat.quantization(inputs[1]), source.data(twins[inputs[1]])
    if steps is None or own is None or real is None:
        return None
    shape = [1] * real.ndim
    if len(own[0]) > 1:
        shape[int(flat.graph.tensors[inputs[1]].quantization.quantizedDimension)] = -1
    return float(sqnr_db(real[None], (steps * own[0].reshape(shape))[None])[0])


def _quantized(graph: Graph, tensor: int, real: Array) -> Array:
    """Real values as the int8 tensor holds them."""
    described = graph.tensors[tensor]
    info = np.iinfo(described.dtype.value)
    steps = np.clip(np.round(real / np.float32(described.scale)) + described.zero_point, info.min, info.max)
    array: Array = steps.astype(described.dtype.value).reshape(described.shape)
    return array


def _inputs(graph: Graph, sample: Inputs) -> list[Array]:
    """A float sample as the int8 model takes it; whole numbers stay what they are."""
    return [
        x.astype(graph.tensors[q].dtype.value) if graph.tensors[q].quantization is None else _quantized(graph, q, x)
        for q, x in zip(graph.inputs, sample, strict=True)
    ]


def _real(graph: Graph, tensor: int, steps: Array) -> Array:
    described = graph.tensors[tensor]
    values: Array = (steps.astype(np.float32) - described.zero_point) * np.float32(described.scale)
    return values


def _ladder(
    graph: Graph,
    few: Sequence[Inputs],
    activations: Mapping[int, int],
    real: Mapping[int, Array],
    ends: Sequence[int],
    done: Progress,
) -> Array:
    """Noise at the model's end over its power, (operators + 1,): entry k with the first k operators exact."""
    count = len(few)
    noise = np.zeros(len(graph.ops) + 1)
    for k in range(len(graph.ops) + 1):
        exact = {y for op in graph.ops[:k] for y in op.outputs} | set(graph.inputs)
        for n in range(count):
            given = {q: _quantized(graph, q, real[f][n]) for q, f in activations.items() if q in exact}
            values = reference.run_all(graph, _inputs(graph, few[n]), given=given)
            for end in ends:
                truth = real[activations[end]][n].astype(np.float64)
                wrong = _real(graph, end, values[end]).reshape(truth.shape) - truth
                noise[k] += float((wrong**2).sum() / max((truth**2).sum(), 1e-12)) / count
        done(k, len(graph.ops))
    return noise


def _all_values(graph: Graph, few: Sequence[Inputs], activations: Mapping[int, int]) -> dict[int, Array]:
    """What the int8 model computes, (samples, ...) in real units, for the activations."""
    rows: dict[int, list[Array]] = {q: [] for q in activations}
    for sample in few:
        values = reference.run_all(graph, _inputs(graph, sample))
        for q, found in rows.items():
            found.append(_real(graph, q, values[q]))
    return {q: np.stack(found) for q, found in rows.items()}
