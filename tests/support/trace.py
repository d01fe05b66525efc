"""Watches a compiled model layer by layer: TG_TRACE calls back after each block of rows, and the output is copied."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tests.support.c_build import CModel, shared_library, write_library
from tinygen.ir import Array
from tinygen.plan import Plan
from tinygen.plan.schedule import DRIVER

_HOOK = ctypes.CFUNCTYPE(None, ctypes.c_int32, ctypes.c_int32, ctypes.c_int32)
_HEADER = """#include <stdint.h>
extern void (*tg_trace_hook)(int32_t, int32_t, int32_t);
#define TG_TRACE(layer, y0, y1) tg_trace_hook(layer, y0, y1)
"""


class TracedModels:
    """Models compiled with their arenas outside and TG_TRACE defined."""

    def __init__(self, plans: Sequence[Plan], folder: Path, flags: Sequence[str] = ("-O2",)) -> None:
        self.plans = {plan.program.graph.name: plan for plan in plans}
        header, source = folder / "trace.h", folder / "trace.c"
        header.write_text(_HEADER)
        source.write_text('#include "trace.h"\nvoid (*tg_trace_hook)(int32_t, int32_t, int32_t);\n')
        external = [f"-D{name.upper()}_ARENA_EXTERNAL" for name in self.plans]
        sources = [source, *(write_library(plan, folder) for plan in plans)]
        self.library = shared_library(sources, folder, (*flags, "-include", str(header), *external))

    def run(self, name: str, inputs: Sequence[Array]) -> tuple[dict[int, Array], list[tuple[int, int, int]]]:
        """One inference: every layer's output rows as they were just after their block had run, with the model's
        outputs, and all trace calls."""
        plan = self.plans[name]
        graph = plan.program.graph
        arena = np.full(plan.arena_bytes + 16, 0x55, np.uint8)  # an application's arena is not zeroed
        start = -arena.ctypes.data % 16
        seen: dict[int, Array] = {}
        calls: list[tuple[int, int, int]] = []

        def hook(layer: int, y0: int, y1: int) -> None:
            calls.append((layer, y0, y1))
            call = plan.steps[layer].call
            output, view = call.output, plan.view(call.output)
            if view.memory != "arena" or (call.moves and plan.program.saved):
                return  # of a tensor in pieces a copy writes one, and the others may not be there yet
            content = seen.setdefault(output.tensor, np.zeros(graph.tensors[output.tensor].nbytes, np.uint8))
            if output.images > 1 or (call.gathers and y1 == call.rows):
                content[:] = arena[start + view.offset : start + view.offset + content.size]
            elif not call.gathers:
                for y in range(y0, y1):
                    row = start + view.offset + y % view.ring_rows * view.row_bytes
                    content[y * view.row_bytes :][: view.row_bytes] = arena[row : row + view.row_bytes]

        callback = _HOOK(hook)
        ctypes.c_void_p.in_dll(self.library, "tg_trace_hook").value = ctypes.cast(callback, ctypes.c_void_p).value
        getattr(self.library, f"{name}_set_arena")(ctypes.c_void_p(arena.ctypes.data + start))
        outputs = CModel(self.library, graph, plan.pushed).run(inputs)
        assert bytes(arena[:start]) + bytes(arena[start + plan.arena_bytes :]) == b"\x55" * 16
        tensors = {index: graph.tensors[index] for index in seen}
        made = {i: seen[i].view(t.dtype.value).reshape(t.shape) for i, t in tensors.items()}
        return made | dict(zip(graph.outputs, outputs, strict=True)), calls


def expected_calls(plan: Plan) -> list[tuple[int, int, int]]:
    """The trace calls (layer, y0, y1) of one inference: one for each block, of each image of a layer."""
    return [
        (index, y0, y1)
        for segment in plan.segments
        for index, y0, y1 in segment.blocks(plan.program)
        if index != DRIVER
        for _ in range(plan.steps[index].call.output.images)
    ]
