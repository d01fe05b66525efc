"""The C of models that stream over time: strict compilers for every core, and the sanitizers over many hops."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.exact.streams import stream_networks
from tests.kernels.test_compilers import COMPILERS, stack_of
from tests.support.c_build import STRICT, plan_of, run_tool, write_library
from tests.support.hops import frames_of, hop_plan_of, windows
from tinygen import reference
from tinygen.errors import TinygenError
from tinygen.plan import Plan

_FLAGS = ("-O1", "-g", "-fsanitize=address,undefined,float-cast-overflow", "-fno-sanitize-recover=all")
_MAIN = """#include <stdio.h>
#include "NAME.h"
int main(void) {
  while (fread(NAME_input(0), 1, MACRO_INPUT_0_BYTES, stdin) == MACRO_INPUT_0_BYTES) {
    NAME_invoke();
    fwrite(NAME_output(MACRO_OUTPUT_COUNT - 1), 1, LAST, stdout);
  }
  return 0;
}
"""


def _plans(count: int) -> list[tuple[Plan, Plan]]:
    """Networks with their streaming forms, by hops of 1 or 2."""
    found = []
    for graph in stream_networks(2 * count):
        whole = plan_of(graph)
        for hop in (1, 2):
            try:
                found.append((whole, hop_plan_of(whole, hop, "speed")))
                break
            except TinygenError:
                continue
    assert len(found) >= count
    return found[:count]


def test_sanitizers(tmp_path: Path) -> None:
    for whole, plan in _plans(8):
        assert plan.hop is not None
        graph = plan.program.graph
        name, last = graph.name, graph.tensors[graph.outputs[-1]]
        source, main = write_library(plan, tmp_path), tmp_path / f"{name}_main.c"
        text = _MAIN.replace("MACRO", name.upper()).replace("NAME", name).replace("LAST", str(last.nbytes))
        main.write_text(text)
        run_tool(["gcc", *STRICT, *_FLAGS, f"-I{source.parent}", main, source, "-o", tmp_path / "main"])
        frames = frames_of(graph, 60, np.random.default_rng(2))
        wanted = [reference.run(whole.program.graph, [w])[-1] for _, w in windows(graph, frames, plan.hop.frames)]
        assert run_tool([tmp_path / "main"], frames.tobytes()) == b"".join(array.tobytes() for array in wanted)


@pytest.mark.parametrize("name", sorted(COMPILERS))
def test_compiles(name: str, tmp_path: Path) -> None:
    if shutil.which(COMPILERS[name][0]) is None:
        pytest.skip(f"{COMPILERS[name][0]} is not installed")
    for _, plan in _plans(3):
        source = write_library(plan, tmp_path)
        for level in ("-Os", "-O3"):
            run_tool([*COMPILERS[name], *STRICT, "-Wvla", level, "-c", source, "-o", tmp_path / "model.o"])


@pytest.mark.skipif(shutil.which("arm-none-eabi-gcc") is None, reason="arm-none-eabi-gcc is not installed")
def test_stack(tmp_path: Path) -> None:
    """Without recursion, though a reset is made of hops."""
    for _, plan in _plans(2):
        assert stack_of(write_library(plan, tmp_path), "-O2", tmp_path) <= 512
