"""From a Graph to running C, through the code that ships: passes, program, plan, render, then gcc."""

from __future__ import annotations

import ctypes
import functools
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tinygen.ir import Array, Graph
from tinygen.kernels import build_program
from tinygen.kernelsets import PORTABLE, Target
from tinygen.ops.base import Operand
from tinygen.passes import PASSES, run_passes
from tinygen.passes.turn_upright import turn_upright
from tinygen.plan import Plan, make_plan, placed_plan
from tinygen.plan.order import ordered
from tinygen.plan.search import choice, frontier
from tinygen.render.model import library_files
from tinygen.verify import verify

STRICT = ("-std=c99", "-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Werror")
SHA256 = "0" * 64


def plan_of(graph: Graph, target: Target = PORTABLE) -> Plan:
    """The plan that a build would make."""
    return make_plan(build_program(run_passes(verify(graph)), target))


def plain_plan_of(graph: Graph) -> Plan:
    """A plan in which every tensor is the graph's own, and each is written by the operator that makes it."""
    lying = functools.reduce(lambda g, p: g if p is turn_upright else p(g), PASSES, verify(graph))
    chosen = choice(frontier((ordered(build_program(lying)),)), "balanced")
    return placed_plan(chosen.program, chosen.segments, chosen.buffers, chosen.placement)


def write_library(plan: Plan, folder: Path) -> Path:
    """Write the model's library under folder/NAME; returns the model's .c file."""
    name = plan.program.graph.name
    for path, content in library_files(plan, SHA256).items():
        target = folder / name / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    return folder / name / "src" / f"{name}.c"


def run_tool(command: Sequence[object], stdin: bytes = b"") -> bytes:
    """Run a program; its stdout, or AssertionError with what it printed."""
    done = subprocess.run([str(part) for part in command], input=stdin, capture_output=True, check=False)
    said = done.stderr.decode(errors="replace")[-4000:]
    assert done.returncode == 0, f"{' '.join(map(str, command[:12]))} ...: exit code {done.returncode}\n{said}"
    return done.stdout


def shared_library(sources: Iterable[Path], folder: Path, flags: Sequence[str] = ("-O2",)) -> ctypes.CDLL:
    """Compile all sources with warnings as errors and link them side by side into one library."""
    target = folder / f"models_{len(list(folder.glob('models_*.so')))}.so"  # a loaded library may not be overwritten
    run_tool(["gcc", *STRICT, *flags, "-fPIC", "-shared", *sources, "-o", target])
    return ctypes.CDLL(str(target))


class CModel:
    """A model inside a shared library, called through its own API."""

    def __init__(self, library: ctypes.CDLL, graph: Graph, pushed: Operand | None = None) -> None:
        self.library, self.graph = library, graph
        self._pushed = pushed
        for function in ("output",) if pushed else ("input", "output"):
            self._function(function).restype = ctypes.c_void_p

    def _function(self, name: str) -> Any:
        return getattr(self.library, f"{self.graph.name}_{name}")

    def reset(self) -> None:
        """Variables as they begin; nothing to do for a model without any."""
        if plan_of(self.graph).state_bytes:
            self._function("reset")()

    def _push(self, array: Array) -> None:
        """The input row by row; only the last one brings the outputs."""
        assert self._pushed is not None
        content, size = array.tobytes(), self._pushed.row_bytes
        done = [self._function("push_row")(content[at : at + size]) for at in range(0, len(content), size)]
        assert done == [0] * (len(done) - 1) + [1]

    def run(self, inputs: Sequence[Array], keep_state: bool = False) -> tuple[Array, ...]:
        """The outputs of one inference, in the graph's shapes; from the beginning, or after the one before."""
        if not keep_state:
            self.reset()
        if self._pushed:
            self._push(inputs[0])
        else:
            for position, array in enumerate(inputs):
                ctypes.memmove(self._function("input")(position), array.tobytes(), array.nbytes)
            self._function("invoke")()
        outputs = []
        for position, index in enumerate(self.graph.outputs):
            tensor = self.graph.tensors[index]
            content = ctypes.string_at(self._function("output")(position), tensor.nbytes)
            outputs.append(np.frombuffer(content, tensor.dtype.value).reshape(tensor.shape))
        return tuple(outputs)


def compile_plans(plans: Sequence[Plan], folder: Path, flags: Sequence[str] = ("-O2",)) -> dict[str, CModel]:
    """All plans as one library; models by name."""
    library = shared_library([write_library(plan, folder) for plan in plans], folder, flags)
    graphs = [plan.program.graph for plan in plans]
    return {graph.name: CModel(library, graph) for graph in graphs}


def compile_graphs(graphs: Sequence[Graph], folder: Path, flags: Sequence[str] = ("-O2",)) -> dict[str, CModel]:
    """All graphs, planned as a build would, as one library; models by name."""
    return compile_plans([plan_of(graph) for graph in graphs], folder, flags)
