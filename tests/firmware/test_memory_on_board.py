"""What an inference touches on an emulated board: a painted stack against the computed one, and a poisoned arena."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import serial

from tests.exact.cases import NIGHTLY
from tests.exact.networks import networks
from tests.firmware.conftest import MakeProject
from tests.support.c_build import SHA256
from tests.support.everything import everything_graph
from tests.support.reference_models import FIVE, needs_models, reference_model
from tinygen import reference
from tinygen.boards import get_board
from tinygen.emulator import running
from tinygen.ir import Array, Graph
from tinygen.kernels import build_program
from tinygen.kernelsets import Target
from tinygen.passes import run_passes
from tinygen.plan import Plan, make_plan
from tinygen.plan.search import OPTIMIZE
from tinygen.platformio import build_firmware
from tinygen.project import write_files
from tinygen.render.model import library_files
from tinygen.stack import HELPER_BYTES, invoke_stack
from tinygen.verify import verify

# says how many bytes of stack an inference has taken
STACK = """
#include <string.h>
#include "tg_port.h"
#include "NAME.h"
extern uint8_t tg_stack_bottom[];

__attribute__((noinline)) static uint32_t stack_of_invoke(void) {
  uint8_t *sp;
  __asm volatile("cpsid i\\n mov %0, sp" : "=r"(sp));
  for (volatile uint8_t *p = tg_stack_bottom; p < sp; p++) *p = 0xA5;
  NAME_invoke();
  const volatile uint8_t *touched = tg_stack_bottom;
  while (touched < sp && *touched == 0xA5) touched++;
  __asm volatile("cpsie i");
  return (uint32_t)(sp - touched);
}

int main(void) {
  char digits[12];
  int count = 0;
  tg_init();
  tg_getc();
  for (uint32_t used = stack_of_invoke(); used > 0; used /= 10) digits[count++] = (char)('0' + used % 10);
  while (count > 0) tg_putc(digits[--count]);
  tg_putc('\\n');
  for (;;) tg_getc();
}
"""

# poisons memory around and unused bytes inside of the arena; prints how many of both have changed, how many others
# have, and then the outputs, all as hexadecimal bytes
CANARIES = """
#include <string.h>
#include "tg_port.h"
#include "NAME.h"
#define AROUND 256
static const uint8_t unused[NAME_ARENA_BYTES] = {UNUSED};
static const uint8_t sample[] = {SAMPLE};
static uint8_t memory[AROUND + NAME_ARENA_BYTES + AROUND] __attribute__((aligned(16)));

static void put(unsigned value, int digits) {
  while (digits-- > 0) tg_putc("0123456789abcdef"[(value >> (4 * digits)) & 15U]);
}

static void run(unsigned poison) {
  unsigned wrong = 0, used = 0;
  memset(memory, (int)poison, sizeof memory);
  NAME_set_arena(memory + AROUND);
  FILL
  NAME_invoke();
  for (unsigned i = 0; i < sizeof memory; i++) {
    if (memory[i] == poison) continue;
    if (i < AROUND || i >= AROUND + NAME_ARENA_BYTES || unused[i - AROUND]) wrong++; else used++;
  }
  put(wrong, 8);
  put(used, 8);
  PRINT
  tg_putc('\\n');
}

int main(void) {
  tg_init();
  tg_getc();
  run(0xA5);
  run(0x5A);
  for (;;) tg_getc();
}
"""


def _plan(graph: Graph, optimize: str, kernels: str = "portable") -> Plan:
    return make_plan(build_program(run_passes(verify(graph)), Target(kernels, optimize)), optimize)


def _says(project: Path, board_name: str, plan: Plan, lines: int) -> list[str]:
    """Build a project around a model's library and read the lines that the board prints."""
    board = get_board(board_name)
    name = plan.program.graph.name
    write_files(project / "lib" / name, library_files(plan, SHA256))
    elf = build_firmware(project, board.name, board).elf
    with running(board, elf) as url, serial.serial_for_url(url, timeout=60) as port:
        port.write(b"\n")
        return [port.readline().decode().strip() for _ in range(lines)]


def _painted(make_project: MakeProject, board_name: str, plan: Plan) -> int:
    """The bytes of stack that an inference takes on a board, which are as computed."""
    name = plan.program.graph.name
    stack = invoke_stack(library_files(plan, SHA256), name, get_board(board_name))
    project = make_project(get_board(board_name), STACK.replace("NAME", name))
    (line,) = _says(project, board_name, plan, 1)
    assert stack.invoke_bytes is not None
    # what the deepest helper is allowed, it need not take
    assert stack.invoke_bytes - HELPER_BYTES - 8 <= int(line) <= stack.invoke_bytes
    return int(line)


def test_stack_is_as_computed(make_project: MakeProject) -> None:
    _painted(make_project, "qemu-stm32f405", _plan(everything_graph(), "ram"))


# those whose deepest chains differ; the others at night
_STACKS = [("kws_ref_model", "ram"), ("pretrainedResnet_quant", "speed"), ("ad01_int8", "speed")]


@needs_models
@pytest.mark.parametrize(
    ("model", "optimize"),
    [(m, o) for m in FIVE for o in OPTIMIZE] if NIGHTLY else _STACKS,
    ids=lambda value: str(value),
)
def test_stack_of_reference_model_is_as_computed(model: str, optimize: str, make_project: MakeProject) -> None:
    """With the kernels of the core, whose loops are assembly: 512 bytes at most."""
    used = _painted(make_project, "qemu-cortex-m4", _plan(reference_model(model), optimize, "armv7em"))
    assert used <= 512


def never_used(plan: Plan) -> Array:
    """Which bytes of the arena no buffer is ever alive in, bool; shape (arena_bytes,)."""
    unused = np.ones(plan.arena_bytes, bool)
    for placed in plan.placed:
        for low, high in zip(placed.buffer.low, placed.buffer.high, strict=True):
            unused[placed.offset + low : placed.offset + high] = False
    return unused


def _canaries(name: str, plan: Plan, sample: Sequence[Array]) -> str:
    """The C program: the inputs out of one array, the outputs into one line."""
    fill, printed, at = [], [], 0
    for k, array in enumerate(sample):
        fill.append(f"memcpy({name}_input({k}), sample + {at}, {array.nbytes});")
        at += array.nbytes
    for k, index in enumerate(plan.program.graph.outputs):
        size = plan.program.graph.tensors[index].nbytes
        printed.append(f"for (int i = 0; i < {size}; i++) put(((const uint8_t *){name}_output({k}))[i], 2);")
    content = b"".join(array.tobytes() for array in sample)
    values = {
        "UNUSED": ",".join(str(int(u)) for u in never_used(plan)),
        "SAMPLE": ",".join(map(str, content)),
        "FILL": "\n  ".join(fill),
        "PRINT": "\n  ".join(printed),
    }
    source = CANARIES
    for key, value in values.items():
        source = source.replace(key, value)
    return source.replace("NAME_ARENA_BYTES", f"{name.upper()}_ARENA_BYTES").replace("NAME", name)


@pytest.mark.parametrize("board", ["qemu-cortex-m4", "qemu-stm32f405"])
@pytest.mark.parametrize("optimize", ["ram", "speed"])
def test_nothing_but_the_arena_is_touched(board: str, optimize: str, make_project: MakeProject) -> None:
    found = ((case, _plan(case.graph, optimize)) for case in networks())
    case, plan = next(
        (c, p) for c, p in found if never_used(p).any() and any(s.height for s in p.segments) == (optimize == "ram")
    )
    name, sample = plan.program.graph.name, case.samples[0]
    flags = f"-D{name.upper()}_ARENA_EXTERNAL"
    project = make_project(get_board(board), _canaries(name, plan, sample), flags)
    outputs = b"".join(array.tobytes() for array in reference.run(case.graph, sample)).hex()
    unused = int(never_used(plan).sum())
    for line in _says(project, board, plan, 2):
        wrong, used = int(line[:8], 16), int(line[8:16], 16)
        assert line[16:] == outputs
        assert wrong == 0
        # bytes that are used may happen to be left with the poison's value
        assert (plan.arena_bytes - unused) * 0.9 < used <= plan.arena_bytes - unused
