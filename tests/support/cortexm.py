"""Models on an emulated Cortex-M: one program with the models and their inputs, its outputs over semihosting's exit.

The program is the models' libraries, the startup code and UART of the emulated board, and a main that runs every
sample and writes every output to the UART.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.support.c_build import STRICT, run_tool, write_library
from tinygen import resources
from tinygen.ir import Array
from tinygen.plan import Plan

M4 = ("-mcpu=cortex-m4", "-mthumb", "-mfpu=fpv4-sp-d16", "-mfloat-abi=hard")
M4_WITHOUT_FPU = ("-mcpu=cortex-m4", "-mthumb", "-mfloat-abi=soft")
_BSP = resources.FIRMWARE / "platform" / "bsp"
_LINK = (
    "-nostartfiles",
    "--specs=nano.specs",
    "--specs=nosys.specs",
    "-Wl,--gc-sections",
    "-Wl,--no-warn-rwx-segments",
)
_MAIN = """#include "tg_port.h"
#include <string.h>
{includes}
static void out(const void *from, uint32_t bytes) {{
  for (uint32_t i = 0; i < bytes; ++i) tg_putc(((const uint8_t *)from)[i]);
}}

int main(void) {{
{body}
  register int operation __asm__("r0") = 0x18; /* SYS_EXIT */
  register int reason __asm__("r1") = 0x20026; /* ADP_Stopped_ApplicationExit */
  __asm__ volatile("bkpt 0xab" : "+r"(operation) : "r"(reason) : "memory");
}}
"""

needs_cortexm = pytest.mark.skipif(
    shutil.which("arm-none-eabi-gcc") is None or shutil.which("qemu-system-arm") is None,
    reason="arm-none-eabi-gcc or qemu-system-arm is not installed (make test installs them on Debian)",
)


def run_on_cortexm(
    plans: Sequence[Plan], samples: Sequence[Sequence[Sequence[Array]]], folder: Path, flags: Sequence[str]
) -> bytes:
    """All outputs of all samples of all models, one behind the other; samples[i] are those of plans[i]."""
    sources = [write_library(plan, folder) for plan in plans]
    body: list[str] = []
    for plan, of_model in zip(plans, samples, strict=True):
        graph = plan.program.graph
        name, macro = graph.name, graph.name.upper()
        for sample in of_model:
            for i, array in enumerate(sample):
                values = ", ".join(map(str, array.tobytes()))
                body.append(f"  {{ static const uint8_t x[] = {{{values}}}; memcpy({name}_input({i}), x, sizeof x); }}")
            body.append(f"  {name}_invoke();")
            body += [f"  out({name}_output({i}), {macro}_OUTPUT_{i}_BYTES);" for i in range(len(graph.outputs))]
    main, elf = folder / "main.c", folder / "models.elf"
    includes = "\n".join(f'#include "{plan.program.graph.name}.h"' for plan in plans)
    main.write_text(_MAIN.format(includes=includes, body="\n".join(body)))
    startup = [*(_BSP / "cortexm").glob("*.c"), *(_BSP / "mps2").glob("*.c"), main]
    objects = [_compile(source, folder, (*flags, *STRICT), index) for index, source in enumerate(sources)]
    objects += [_compile(source, folder, flags, len(sources) + i) for i, source in enumerate(startup)]
    script = ["-T", _BSP / "mps2" / "mps2.ld", "-L", _BSP / "cortexm"]
    run_tool(["arm-none-eabi-gcc", *flags, *_LINK, *script, *objects, "-o", elf])
    emulator = ["qemu-system-arm", "-M", "mps2-an386", "-nographic", "-monitor", "none", "-serial", "stdio"]
    emulator += ["-semihosting-config", "enable=on,target=native", "-kernel", str(elf)]
    done = subprocess.run(emulator, stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr.decode(errors="replace")[-2000:]
    return done.stdout


def _compile(source: Path, folder: Path, flags: Sequence[str], index: int) -> Path:
    target = folder / f"{index}.o"
    include = [f"-I{_BSP}", *(f"-I{path}" for path in folder.glob("*/src"))]
    run_tool(["arm-none-eabi-gcc", *flags, *include, "-ffunction-sections", "-c", source, "-o", target])
    return target
