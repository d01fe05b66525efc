"""Sketches of examples/ as programs of this computer, with their sensors played by stubs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from tests.support.c_build import STRICT, run_tool
from tests.support.cli import REPOSITORY

_STUBS = REPOSITORY / "tests" / "firmware" / "stubs" / "sensors"


def build_sketch(sketch: Path, library: Path, name: str, folder: Path, *flags: str) -> Path:
    """The program of a sketch and the generated library `name`, whose sources lie in `library`."""
    main, program = folder / f"{name}_sketch.cpp", folder / f"{name}_sketch{''.join(flags)}"
    main.write_text(f'#include "{sketch}"\nint main() {{\n  setup();\n  for (;;) loop();\n}}\n')
    run_tool(["gcc", *STRICT, "-O2", "-c", library / f"{name}.c", "-o", folder / f"{name}.o"])
    includes = [f"-I{path}" for path in (_STUBS, library, sketch.parent)]
    run_tool(["g++", "-O2", "-Wall", "-Wextra", *flags, *includes, main, folder / f"{name}.o", "-o", program])
    return program


def run_sketch(program: Path, samples: npt.NDArray[np.int16]) -> list[str]:
    """The lines that a sketch prints while its sensor gives these samples."""
    return run_tool([program], samples.astype("<i2").tobytes()).decode().splitlines()
