"""Structured magnitude pruning: channels that add least to the layers behind them are really removed.

Place in the flow: worker.py calls `pruned` again and again, with fine-tuning between. Imports TensorFlow.

What a channel adds: the size of its values (the gamma of its last normalisation, else the norm of its filter) times
the norm of the weights that read it, squared, as a part of all that its reader reads. The cheapest sets of channels go
first: least of that per multiply-accumulate saved. Kernels take channels by fours, so fours are removed together.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import keras
import numpy as np

from tinygen.compress.channels import Channels, Layer, channels_of
from tinygen.compress.job import Narrowed
from tinygen.ir import Array

_TOGETHER = 4
_LEAST_KEPT = 4  # a quarter of a group's channels stays, whatever it adds


def pruned(model: Any, part: float) -> tuple[Any, tuple[Narrowed, ...]]:
    """A functional Keras model with channels removed until its multiply-accumulates are at most `part` (0 to 1) of what
    they are, or nothing more can go; and the layers that lost some."""
    channels = channels_of(model)
    removed = _chosen(channels, part)
    widths: dict[str, int] = {}
    weights: dict[str, list[Array]] = {}
    narrowed = []
    for layer in channels.layers:
        stays = ~np.isin(layer.output, removed)
        if layer.layer.weights:
            weights[layer.layer.name] = [_kept(layer, w, removed) for w in layer.layer.get_weights()]
        if layer.makes and not stays.all():
            widths[layer.layer.name] = int(stays.sum())
            narrowed.append(Narrowed(layer.layer.name, len(stays), int(stays.sum())))
    small = keras.models.clone_model(model, clone_function=_with_widths(widths))
    for old, new in zip(model.layers, small.layers, strict=True):
        new.set_weights(weights.get(old.name, old.get_weights()))
    return small, tuple(narrowed)


def _with_widths(widths: dict[str, int]) -> Callable[[Any], Any]:
    def clone(layer: Any) -> Any:
        config = layer.get_config()
        if layer.name in widths:
            config["units" if isinstance(layer, keras.layers.Dense) else "filters"] = widths[layer.name]
        return type(layer).from_config(config)

    return clone


def _kept(layer: Layer, weight: Array, removed: Sequence[int]) -> Array:
    """A weight of a layer without what belongs to removed atoms."""
    ins = ~np.isin(layer.inputs[0], removed)
    if layer.makes and weight.ndim > 1:
        return weight[..., ins, :][..., ~np.isin(layer.output, removed)]
    if layer.is_depthwise and weight.ndim > 1:
        return weight[..., ins, :]
    return weight[~np.isin(layer.output, removed)]


def _chosen(channels: Channels, part: float) -> list[int]:
    """The atoms to remove."""
    adds = _what_atoms_add(channels.layers)
    queues = [sorted(group, key=lambda atom: adds.get(atom, 0.0)) for group in channels.groups]
    queues = [queue[: len(queue) - max(1, len(queue) // _LEAST_KEPT)] for queue in queues]
    removed: list[int] = []
    now = macs_of(channels.layers, removed)
    target = part * now
    while now > target:
        offers = list(_offers(channels, queues, adds, removed, now))
        if not offers:
            break
        _, best = min(offers)
        removed += queues[best][: _unit(queues[best])]
        queues[best] = queues[best][_unit(queues[best]) :]
        now = macs_of(channels.layers, removed)
    return removed


def _offers(
    channels: Channels, queues: list[list[int]], adds: dict[int, float], removed: list[int], now: int
) -> Iterator[tuple[float, int]]:
    """(what is lost per multiply-accumulate saved, the queue) of the next channels of each."""
    for i, queue in enumerate(queues):
        first = queue[: _unit(queue)]
        if first:
            saved = now - macs_of(channels.layers, [*removed, *first])
            yield sum(adds.get(atom, 0.0) for atom in first) / max(saved, 1), i


def _unit(queue: list[int]) -> int:
    return _TOGETHER if len(queue) >= _TOGETHER else 1 if len(queue) < 3 else len(queue)


def _what_atoms_add(layers: Sequence[Layer]) -> dict[int, float]:
    size: dict[int, float] = {}
    adds: dict[int, float] = {}
    for x in layers:
        if x.makes:
            kernel = x.layer.get_weights()[0]
            readers = (kernel.reshape(-1, *kernel.shape[-2:]) ** 2).sum((0, 2))
            read = np.array([size.get(a, 1.0) ** 2 for a in x.inputs[0].tolist()]) * readers
            for atom, amount in zip(x.inputs[0].tolist(), read / max(float(read.sum()), 1e-30), strict=True):
                adds[atom] = adds.get(atom, 0.0) + float(amount)
            _put(size, x.output, np.sqrt((kernel.reshape(-1, kernel.shape[-1]) ** 2).sum(0)))
        elif x.is_depthwise:
            kernel = x.layer.get_weights()[0][..., 0]
            norms = np.sqrt((kernel.reshape(-1, kernel.shape[-1]) ** 2).sum(0))
            _put(size, x.output, norms * [size.get(a, 1.0) for a in x.output.tolist()])
        elif x.normalises and x.layer.scale:
            _put(size, x.output, np.abs(x.layer.get_weights()[0]))
    return adds


def _put(sizes: dict[int, float], atoms: Array, values: Array) -> None:
    sizes.update(zip(atoms.tolist(), map(float, values), strict=True))


def macs_of(layers: Sequence[Layer], removed: Sequence[int]) -> int:
    """Multiply-accumulates of the layers with weights; an unknown dimension counts as 1."""
    gone = set(removed)
    total = 0
    for x in layers:
        if x.makes or x.is_depthwise:
            places = math.prod(d or 1 for d in x.layer.output.shape[1:-1])
            kernel = math.prod(getattr(x.layer, "kernel_size", (1,)))
            read = sum(a not in gone for a in x.inputs[0].tolist()) if x.makes else 1
            total += places * kernel * read * sum(a not in gone for a in x.output.tolist())
    return total
