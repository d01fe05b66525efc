"""CONV_2D, float32, groups; weights may be int8 with scales, which are then stored as float32."""

from __future__ import annotations

import numpy as np

from tinygen.ir import Array, Graph, Op
from tinygen.ops.base import reject
from tinygen.ops.float32._conv import FloatConv
from tinygen.ops.float32._float import dot, float_weights


class Conv2D(FloatConv):
    kind = "CONV_2D"
    kernel = "conv_2d_f32"
    channel_axis = 0

    def check(self, graph: Graph, op: Op) -> None:
        super().check(graph, op)
        x, weights = graph.required(op, 0), graph.required(op, 1)
        if x.shape[3] % weights.shape[3] or weights.shape[0] % (x.shape[3] // weights.shape[3]):
            raise reject(op, f"input {x.shape} does not fit weights {weights.shape}")

    def sums(self, graph: Graph, op: Op, patches: Array) -> Array:
        weights = float_weights(graph, op, 1)
        filters, depth = weights.shape[0], weights.shape[3]
        groups = patches.shape[5] // depth
        parts = []
        for group in range(groups):
            which = slice(group * filters // groups, (group + 1) * filters // groups)
            taps = patches[..., group * depth : (group + 1) * depth].reshape(*patches.shape[:3], -1)
            parts.append(dot(taps, weights[which].reshape(filters // groups, -1).T))
        return np.concatenate(parts, axis=-1)

    def extra_params(self, graph: Graph, op: Op) -> tuple[tuple[str, int], ...]:
        return (("groups", graph.required(op, 0).shape[3] // graph.required(op, 1).shape[3]),)

    def macs(self, graph: Graph, op: Op) -> int:
        weights = graph.required(op, 1)
        return graph.output(op).elements * weights.elements // weights.shape[0]
