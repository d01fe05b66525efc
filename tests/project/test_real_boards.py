"""Every file generated for a real board compiles for its core, warnings being errors.

gcc-xtensa-lx106 stands in for the ESP32's compiler, and tests/firmware/stubs for the few Arduino calls.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.support.cli import REPOSITORY, tinygen
from tests.support.models import small_model
from tinygen.boards import Board, load_boards

REAL = [board for board in load_boards() if not board.emulated]
STUBS = REPOSITORY / "tests" / "firmware" / "stubs"
STRICT = ("-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Werror")


def compile_file(board: Board, source: Path, includes: list[Path], folder: Path) -> None:
    cplusplus = source.suffix == ".cpp"
    compiler = f"{board.compiler}{'g++' if cplusplus else 'gcc'}"
    standard = "-std=gnu++11" if cplusplus else "-std=c99"
    command = [compiler, standard, "-O2", *STRICT, *board.flags, "-c", str(source), "-o", str(folder / "x.o")]
    done = subprocess.run([*command, *(f"-I{i}" for i in includes)], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("board", REAL, ids=lambda board: board.name)
def test_generated_project_compiles_for_its_core(tmp_path: Path, board: Board) -> None:
    (tmp_path / "small.tflite").write_bytes(small_model())
    # PATH without network or platform: the build itself fails, the project is complete
    tinygen("build", "--board", board.name, "small.tflite", "-o", "p", cwd=tmp_path, timeout=120)
    project = tmp_path / "p"
    sources = sorted(p for p in project.rglob("*") if p.suffix in (".c", ".cpp"))
    assert {s.name for s in sources} == {"main.cpp", "small.c", "tested_model.c", "tg_tester.c", "port_arduino.cpp"}
    includes = [project / "lib" / "small" / "src", project / "tester", STUBS]
    for source in sources:
        compile_file(board, source, includes, tmp_path)


@pytest.mark.parametrize("board", REAL, ids=lambda board: board.name)
def test_project_of_two_models_compiles_for_its_core(tmp_path: Path, board: Board) -> None:
    for index, name in enumerate(("one", "other")):
        (tmp_path / f"{name}.tflite").write_bytes(small_model(index))
    tinygen("build", "--board", board.name, "one.tflite", "other.tflite", "-o", "p", cwd=tmp_path, timeout=120)
    project = tmp_path / "p"
    sources = sorted(p for p in project.rglob("*") if p.suffix in (".c", ".cpp"))
    assert {"main.cpp", "one_other_arena.c", "tested_model.c", "tested_model_2.c"} <= {s.name for s in sources}
    includes = [*project.glob("lib/*/src"), project / "tester", STUBS]
    for source in sources:
        compile_file(board, source, includes, tmp_path)
