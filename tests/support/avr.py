"""Models on an emulated AVR: one program with all models, which gets inputs and sends outputs over the UART of simavr.

The models share one arena, and take turns as their samples come.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest
import serial

from tests.support.c_build import STRICT, run_tool, write_library
from tinygen.boards import get_board
from tinygen.emulator import running
from tinygen.ir import Array
from tinygen.plan import Plan

BOARD = get_board("simavr-mega2560")
ARENA_BYTES = 6000  # of 8 KB
_MAIN = """#include <avr/io.h>
{includes}
static int8_t memory[{largest}] __attribute__((aligned(16)));

static void take(uint8_t *to, uint32_t bytes) {{
  for (; bytes > 0; --bytes) {{
    while (!(UCSR0A & _BV(RXC0))) {{
    }}
    *to++ = UDR0;
  }}
}}

static void give(const uint8_t *from, uint32_t bytes) {{
  for (; bytes > 0; --bytes) {{
    while (!(UCSR0A & _BV(UDRE0))) {{
    }}
    UDR0 = *from++;
  }}
}}
{functions}

int main(void) {{
  UCSR0A = _BV(U2X0);
  UBRR0 = 0; /* 2 million bits a second */
  UCSR0B = _BV(RXEN0) | _BV(TXEN0);
  uint8_t heard = 0;
  while (heard != '?') take(&heard, 1); /* the host asks until it is answered: what comes too early is lost */
  give((const uint8_t *)"!", 1);
  while (heard != '#') take(&heard, 1);
{body}
  for (;;) {{
  }}
}}
"""
_RUN = """
static void __attribute__((noinline)) run_{name}(uint16_t samples) {{
  {name}_set_arena(memory);
  for (; samples > 0; --samples) {{
{body}
  }}
}}"""

needs_avr = pytest.mark.skipif(
    shutil.which("avr-gcc") is None or not Path("/usr/include/simavr").is_dir(),
    reason="avr-gcc or libsimavr-dev is not installed (make test installs them on Debian)",
)


def fits_avr(plan: Plan) -> bool:
    """Whether a plan is small enough to be one of many in a program."""
    return plan.arena_bytes <= ARENA_BYTES and plan.program.const_bytes <= 8000


def run_on_avr(
    plans: Sequence[Plan], samples: Sequence[Sequence[Sequence[Array]]], folder: Path, flags: Sequence[str]
) -> bytes:
    """All outputs of all samples of all models, one behind the other; samples[i] are those of plans[i]."""
    sources = [write_library(plan, folder) for plan in plans]
    functions, body = [], []
    for plan, of_model in zip(plans, samples, strict=True):
        graph = plan.program.graph
        name, macro = graph.name, graph.name.upper()
        steps = [f"    take((uint8_t *){name}_input({i}), {macro}_INPUT_{i}_BYTES);" for i in range(len(graph.inputs))]
        steps.append(f"    {name}_invoke();")
        steps += [
            f"    give((uint8_t *){name}_output({i}), {macro}_OUTPUT_{i}_BYTES);" for i in range(len(graph.outputs))
        ]
        functions.append(_RUN.format(name=name, body="\n".join(steps)))
        body.append(f"  run_{name}({len(of_model)});")
    includes = "\n".join(f'#include "{plan.program.graph.name}.h"' for plan in plans)
    main, elf = folder / "main.c", folder / "models.elf"
    largest = max(plan.arena_bytes for plan in plans)
    main.write_text(
        _MAIN.format(includes=includes, largest=largest, functions="\n".join(functions), body="\n".join(body))
    )
    command = ["avr-gcc", *BOARD.flags, *flags, *STRICT, "-ffunction-sections", "-fdata-sections", "-Wl,--gc-sections"]
    external = [f"-D{plan.program.graph.name.upper()}_ARENA_EXTERNAL" for plan in plans]
    include = [f"-I{source.parent}" for source in sources]
    run_tool([*command, *external, *include, main, *sources, "-o", elf])
    return _exchange(elf, plans, samples)


def begin(port: serial.SerialBase) -> None:
    """Ask until the program answers; both then know where the samples begin."""
    for _ in range(60):
        port.write(b"?")
        if port.read(1) == b"!":
            port.write(b"#")
            return
    raise AssertionError("the program does not start")


def _exchange(elf: Path, plans: Sequence[Plan], samples: Sequence[Sequence[Sequence[Array]]]) -> bytes:
    """Send the samples in order, each when the outputs of the one before are there."""
    answers = []
    with running(BOARD, elf) as url, serial.serial_for_url(url, timeout=1) as port:
        begin(port)
        port.timeout = 60
        for plan, of_model in zip(plans, samples, strict=True):
            graph = plan.program.graph
            size = sum(graph.tensors[i].nbytes for i in graph.outputs)
            for sample in of_model:
                port.write(b"".join(array.tobytes() for array in sample))
                answers.append(port.read(size))
                assert len(answers[-1]) == size, f"{graph.name} does not answer"
    return b"".join(answers)
