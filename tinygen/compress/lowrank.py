"""Dense layers as two of a low rank: the singular value decomposition of the kernel, cut off.

Place in the flow: worker.py calls `factorised` after pruning. Imports TensorFlow.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from tinygen.compress.channels import used_once
from tinygen.compress.job import Narrowed
from tinygen.ir import Array


def factorised(model: Any, energy: float) -> tuple[Any, tuple[Narrowed, ...]]:
    """A functional Keras model whose Dense layers are x A B + b, where that is fewer multiplications.

    A kernel (in, out) of rank r takes r (in + out) instead of in * out; r is the smallest that keeps `energy` (0 to 1)
    of the squared singular values. The second result: the layers that became two, with the smaller of in and out before
    and the rank after.
    """
    once = used_once(model)
    parts = {}
    found = []
    for layer in model.layers:
        if type(layer) is keras.layers.Dense and layer.name in once:
            kernel = layer.get_weights()[0]
            a, b = _parts(kernel, energy)
            if a.size + b.size < kernel.size:
                parts[layer.name] = a, b
                found.append(Narrowed(layer.name, min(kernel.shape), a.shape[1]))
    if not found:
        return model, ()

    def call(layer: Any, *arguments: Any, **options: Any) -> Any:
        if layer.name in parts:
            rank = parts[layer.name][0].shape[1]
            first = keras.layers.Dense(rank, use_bias=False, name=f"{layer.name}_low_rank")
            return layer(first(*arguments))
        return layer(*arguments, **options)

    small = keras.models.clone_model(model, call_function=call, clone_function=_fresh)
    for layer in model.layers:
        weights = layer.get_weights()
        if layer.name in parts:
            a, b = parts[layer.name]
            small.get_layer(f"{layer.name}_low_rank").set_weights([a])
            weights = [b, *weights[1:]]
        small.get_layer(layer.name).set_weights(weights)
    return small, tuple(found)


def _fresh(layer: Any) -> Any:
    return type(layer).from_config(layer.get_config())


def _parts(kernel: Array, energy: float) -> tuple[Array, Array]:
    """(in, rank) and (rank, out), both of a like size, whose product is near the kernel."""
    u, s, v = np.linalg.svd(kernel, full_matrices=False)
    share = np.cumsum(s**2) / max(float((s**2).sum()), 1e-30)
    rank = int(np.searchsorted(share, energy - 1e-9) + 1)
    root = np.sqrt(s[:rank])
    return u[:, :rank] * root, root[:, None] * v[:rank]
