"""Frames of samples on emulated cores: one program with front ends of several kinds, a checksum of each frame back."""

from __future__ import annotations

import struct
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import serial

from tests.support.avr import BOARD, begin
from tests.support.bare import CORES, M4, Core, link_bare
from tests.support.c_build import STRICT, run_tool
from tests.support.feature_build import FrameFunction, Int32
from tests.support.feature_models import Samples
from tinygen.emulator import running

# the code of Cortex-M4s on the board that runs that of the M0; Debian's libgcc for the LX106 has no products of 64 bits
FEATURE_CORES = {
    **{name: core for name, core in CORES.items() if name != "lx106"},
    "cortex-m4": replace(CORES["cortex-m4"], compiler=(*CORES["cortex-m4"].compiler, *M4)),
}
_CHECKSUM = """static uint32_t checksum(const int32_t *values, uint16_t count) {
  uint32_t sum = UINT32_C(2166136261);
  for (uint16_t i = 0; i < count; ++i) sum = (sum ^ (uint32_t)values[i]) * UINT32_C(16777619);
  return sum;
}
"""
_BARE = """#include "bare.h"
{prototypes}
{checksum}
static int32_t values[{values}];
static void out(uint32_t sum) {{
  for (uint32_t i = 0; i < 32; i += 8) bare_out((uint8_t)(sum >> i));
}}

void bare_main(void) {{
{body}
}}
"""
_AVR = """#include <avr/io.h>
#include <stdint.h>
{prototypes}
{checksum}
static int16_t x[{samples}];
static int32_t values[{values}];
static void take(uint8_t *to, uint16_t bytes) {{
  for (; bytes > 0; --bytes) {{
    while (!(UCSR0A & _BV(RXC0))) {{
    }}
    *to++ = UDR0;
  }}
}}

static void give(uint32_t sum) {{
  for (uint8_t i = 0; i < 4; ++i, sum >>= 8) {{
    while (!(UCSR0A & _BV(UDRE0))) {{
    }}
    UDR0 = (uint8_t)sum;
  }}
}}

int main(void) {{
  UCSR0A = _BV(U2X0);
  UBRR0 = 0; /* 2 million bits a second */
  UCSR0B = _BV(RXEN0) | _BV(TXEN0);
  uint8_t heard = 0;
  while (heard != '?') take(&heard, 1);
  UDR0 = '!';
  while (heard != '#') take(&heard, 1);
{body}
  for (;;) {{
  }}
}}
"""


def checksums(values: Int32) -> list[int]:
    """One of each row, as the programs below compute it."""
    sums = np.full(len(values), 2166136261, np.uint64)
    for column in values.astype(np.uint32).astype(np.uint64).T:
        sums = (sums ^ column) * np.uint64(16777619) & np.uint64(0xFFFFFFFF)
    return [int(s) for s in sums]


def frames_of(d_function: FrameFunction, samples: Samples) -> list[Samples]:
    """The samples of each frame, all channels by turns."""
    d = d_function.definition
    count = 1 + (len(samples) - d.window) // d.hop
    return [np.ascontiguousarray(samples[k * d.hop : k * d.hop + d.window]).reshape(-1) for k in range(count)]


def checksums_on_bare(core: Core, work: Sequence[tuple[FrameFunction, Samples]], folder: Path, level: str) -> list[int]:
    """The checksum of every frame, one function after the other; the samples lie in flash."""
    body = []
    for function, samples in work:
        d, name = function.definition, function.name
        text = ", ".join(map(str, samples.reshape(-1)))
        frames = 1 + (len(samples) - d.window) // d.hop
        body.append(f"  static const int16_t {name}_x[] = {{{text}}};")
        body.append(f"  for (uint32_t k = 0; k < {frames}; ++k) {{")
        body.append(f"    {name}_frame({name}_x + k * {d.hop * d.channels}, values);")
        body.append(f"    out(checksum(values, {d.features}));\n  }}")
    main = folder / "main.c"
    main.write_text(_filled(_BARE, work, body))
    elf = link_bare(core, main, [function.source for function, _ in work], folder, [level])
    emulator = [*core.emulator, "-nographic", "-monitor", "none", "-serial", "stdio", "-kernel", str(elf)]
    done = subprocess.run(emulator, stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=1200)
    assert done.returncode == 0, done.stderr.decode(errors="replace")[-2000:]
    return [sum_ for (sum_,) in struct.iter_unpack("<I", done.stdout)]


def checksums_on_avr(work: Sequence[tuple[FrameFunction, Samples]], folder: Path) -> list[int]:
    """The same; the samples of each frame come over the UART."""
    body = []
    for function, samples in work:
        count = len(frames_of(function, samples))
        size = 2 * function.definition.window * function.definition.channels
        body.append(f"  for (uint16_t k = 0; k < {count}; ++k) {{\n    take((uint8_t *)x, {size});")
        body.append(f"    {function.name}_frame(x, values);")
        body.append(f"    give(checksum(values, {function.definition.features}));\n  }}")
    main, elf = folder / "main.c", folder / "frames.elf"
    main.write_text(_filled(_AVR, work, body))
    run_tool(["avr-gcc", *BOARD.flags, *STRICT, "-Os", main, *(f.source for f, _ in work), "-o", elf])
    sums = []
    with running(BOARD, elf) as url, serial.serial_for_url(url, timeout=1) as port:
        begin(port)
        port.timeout = 60
        for function, samples in work:
            for frame in frames_of(function, samples):
                port.write(frame.astype("<i2").tobytes())
                answer = port.read(4)
                assert len(answer) == 4, f"{function.name} does not answer"
                sums.append(int.from_bytes(answer, "little"))
    return sums


def _filled(text: str, work: Sequence[tuple[FrameFunction, Samples]], body: Sequence[str]) -> str:
    definitions = [function.definition for function, _ in work]
    return text.format(
        prototypes="\n".join(function.prototype for function, _ in work),
        checksum=_CHECKSUM,
        samples=max(d.window * d.channels for d in definitions),
        values=max(d.features for d in definitions),
        body="\n".join(body),
    )
