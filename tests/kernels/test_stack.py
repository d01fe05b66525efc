"""The computed stack of invoke: against the compiler's call graph, and within 512 bytes."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.kernels.test_compilers import COMPILERS, needs_arm, stack_of
from tests.support.c_build import SHA256, plan_of, run_tool, write_library
from tests.support.everything import MODELS
from tests.support.reference_models import FIVE, needs_models, reference_model
from tests.support.tflite_builder import ModelBuilder
from tinygen.boards import get_board
from tinygen.elf import function_calls
from tinygen.kernels import build_program
from tinygen.kernelsets import Target
from tinygen.load.tflite import parse_tflite
from tinygen.passes import run_passes
from tinygen.plan import make_plan, placed_plan
from tinygen.plan.order import variants
from tinygen.plan.search import OPTIMIZE, choice, frontier
from tinygen.render.model import library_files
from tinygen.stack import HELPER_BYTES, invoke_stack
from tinygen.verify import verify

BOARD = get_board("qemu-cortex-m4")


@needs_arm
@pytest.mark.parametrize("name", MODELS)
def test_as_the_call_graph_has_it(name: str, tmp_path: Path) -> None:
    plan = plan_of(MODELS[name]())
    stack = invoke_stack(library_files(plan, SHA256), name, BOARD)
    graph = stack_of(write_library(plan, tmp_path), "-O3", tmp_path)
    assert stack.invoke_bytes is not None
    # the call graph knows nothing of helpers
    assert graph <= stack.invoke_bytes <= graph + HELPER_BYTES


@needs_arm
@needs_models
@pytest.mark.parametrize("model", FIVE)
def test_reference_model_within_512_bytes(model: str) -> None:
    found = frontier(variants(build_program(run_passes(verify(reference_model(model))))))
    # one compilation for plans that are the same
    for chosen in dict.fromkeys(choice(found, optimize) for optimize in OPTIMIZE):
        plan = placed_plan(chosen.program, chosen.segments, chosen.buffers, chosen.placement)
        stack = invoke_stack(library_files(plan, SHA256), model, BOARD)
        assert stack.invoke_bytes is not None
        assert 0 < stack.invoke_bytes <= 512, stack.text


@needs_arm
@needs_models
def test_rows_of_a_reference_model_within_512_bytes() -> None:
    """By rows, with the fast kernels: the deepest calls that any reference model has."""
    program = build_program(run_passes(verify(reference_model("vww_96_int8"))), Target("armv7em", "ram"))
    plan = make_plan(program, "ram", by_rows=True)
    stack = invoke_stack(library_files(plan, SHA256), "vww_96_int8", get_board("qemu-cortex-m4"))
    assert stack.invoke_bytes is not None
    assert 0 < stack.invoke_bytes <= 512, stack.text


CALLS = """
#include <stdint.h>
#include <string.h>
int64_t out, a = 7, b = 3;
int8_t from[400], to[400];
extern void elsewhere(void);
void top(int n);
__attribute__((noinline)) static void copies(int n) { memcpy(to, from, (unsigned)n + 100U); }
__attribute__((noinline)) static void divides(void) { out = a / b; }
__attribute__((noinline)) static int chooses(int n) {
  switch (n) { case 0: return 7; case 1: return from[3]; case 2: return 2; case 3: elsewhere(); return to[1];
               case 4: return 4 * from[1]; case 5: return 12345; default: return n; }
}
void top(int n) { copies(chooses(n)); divides(); }
"""


@pytest.mark.parametrize("core", [name for name in COMPILERS if name != "clang"])
def test_calls_of_an_object_file(core: str, tmp_path: Path) -> None:
    command = COMPILERS[core]
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed (make test installs it on Debian)")
    (tmp_path / "calls.c").write_text(CALLS)
    target = tmp_path / "calls.o"
    options = ("-std=c99", "-O2", "-fno-inline", "-fno-optimize-sibling-calls", "-ffunction-sections")
    run_tool([*command, *options, "-c", tmp_path / "calls.c", "-o", target])
    calls = function_calls(target)
    own = {name: {c for c in called if not c.startswith("_")} for name, called in calls.items()}
    assert own == {
        "top": {"copies", "divides", "chooses"},
        "copies": {"memcpy"},
        "divides": set(),
        "chooses": {"elsewhere"},
    }
    if core.startswith("cortex"):
        assert calls["divides"] == {"__aeabi_ldivmod"}


@needs_arm
def test_input_by_rows_has_a_stack_too() -> None:
    b = ModelBuilder()
    x, y = b.input((1, 8, 4, 2), 0.1), b.tensor((1, 8, 4, 2), 0.1)
    weights = b.constant(np.full((2, 3, 3, 2), 7, np.int8), 0.1)
    b.op("CONV_2D", [x, weights], [y], strideH=1, strideW=1, dilationHFactor=1, dilationWFactor=1, padding=0)
    graph = parse_tflite(b.build([y]), "rows", "rows")
    plan = make_plan(build_program(verify(graph)), by_rows=True)
    stack = invoke_stack(library_files(plan, SHA256), "rows", BOARD)
    assert stack.invoke_bytes is not None
    assert "rows_push_row" in stack.text
