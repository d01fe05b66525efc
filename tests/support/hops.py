"""Models that stream over time, driven through their own API beside the unmodified model."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.random import Generator

from tests.support.c_build import CModel, shared_library, write_library
from tests.support.compare import difference
from tinygen import reference
from tinygen.ir import Array, DType, Graph
from tinygen.kernels import build_program
from tinygen.plan import Plan, make_plan


def hop_plan_of(whole: Plan, hop: int, optimize: str = "balanced") -> Plan:
    """The same model as a streaming one, with another name."""
    program = whole.program
    graph = replace(program.graph, name=f"{program.graph.name}_hop{hop}_{optimize}")
    return make_plan(build_program(graph, program.target), optimize, hop=hop)


class HopModel:
    """A streaming model inside of a shared library; between the hops nothing of its arena survives."""

    def __init__(self, library: ctypes.CDLL, plan: Plan) -> None:
        self._c, self.plan, self._name = CModel(library, plan.program.graph), plan, plan.program.graph.name
        self._library = library
        self._arena = np.empty(plan.arena_bytes + 16, np.uint8)
        start = -self._arena.ctypes.data % 16
        getattr(library, f"{self._name}_set_arena")(ctypes.c_void_p(self._arena.ctypes.data + start))

    def reset(self) -> None:
        getattr(self._library, f"{self._name}_reset")()

    def push(self, frames: Array) -> tuple[Array, ...]:
        """The outputs after these new frames; of shape (hop, ...)."""
        self._arena[:] = 0x55
        return self._c.run([frames], keep_state=True)


def compile_hops(whole: Sequence[Plan], hops: Sequence[Plan], folder: Path, flags: Sequence[str]) -> ctypes.CDLL:
    """The unmodified models and the streaming ones in one library."""
    outside = [f"-D{plan.program.graph.name.upper()}_ARENA_EXTERNAL" for plan in hops]
    return shared_library([write_library(plan, folder) for plan in (*whole, *hops)], folder, (*flags, *outside))


def frames_of(graph: Graph, count: int, rng: Generator) -> Array:
    """Random frames for the only input of a model; some stretches are extreme or do not change."""
    tensor = graph.tensors[graph.inputs[0]]
    shape = (count, *tensor.shape[2:])
    if tensor.dtype is DType.FLOAT32:
        return rng.normal(0, 1, shape).astype(np.float32)
    limits = np.iinfo(tensor.dtype.value)
    frames = rng.integers(limits.min, limits.max, shape, endpoint=True)
    for start in range(0, count, 16):
        if rng.random() < 0.2:
            frames[start : start + int(rng.integers(1, 16))] = rng.choice((limits.min, 0, limits.max))
    made: Array = frames.astype(tensor.dtype.value)
    return made


def windows(graph: Graph, frames: Array, hop: int) -> Iterator[tuple[Array, Array]]:
    """(the new frames, the window that ends with them) for each hop; before the first frame come zeros."""
    tensor = graph.tensors[graph.inputs[0]]
    missing = tensor.zero_point if tensor.quantization is not None else 0
    window = np.full(tensor.shape[1:], missing, tensor.dtype.value)
    for start in range(0, len(frames) - hop + 1, hop):
        new = frames[start : start + hop]
        window = np.concatenate([window[hop:], new])
        yield new, window[None]


def stream_complaint(whole: CModel, model: HopModel, frames: Array, every: int) -> str:
    """What differs between the streaming model and the unmodified one in C, and at every so many hops in numpy."""
    assert model.plan.hop is not None
    for number, (new, window) in enumerate(windows(whole.graph, frames, model.plan.hop.frames)):
        got = model.push(new)
        if found := difference(got, whole.run([window], keep_state=True)):
            return f"{model.plan.program.graph.name}: hop {number}: {found}"
        if number % every == 0 and (found := difference(got, reference.run(whole.graph, [window]))):
            return f"{model.plan.program.graph.name}: hop {number}: {found} (numpy)"
    return ""
