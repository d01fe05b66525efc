"""Every file generated for a real board compiles for its core, warnings being errors.

gcc-xtensa-lx106 stands in for the ESP32's compilers, and tests/firmware/stubs for what is used of the frameworks.
Boards that differ in their figures alone have the same files: one of each kind is compiled.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.cli.test_size import dense
from tests.device.test_link import on_pty
from tests.support.arduino_cores import core_defines
from tests.support.c_build import run_tool
from tests.support.cli import REPOSITORY
from tests.support.models import small_model
from tinygen.boards import Board, get_board, load_boards
from tinygen.device.link import Link
from tinygen.pipeline import Compiled, compile_model, write_board_project
from tinygen.reference import run
from tinygen.request import make_request
from tinygen.samples import random_samples, to_bytes

STUBS = REPOSITORY / "tests" / "firmware" / "stubs"
STRICT = ("-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Werror")
PICOLIBC = {"riscv64-unknown-elf-": ("--specs=picolibc.specs",)}
REAL = [board for board in load_boards() if not board.emulated]
KINDS = list({(b.compiler, b.flags, b.framework, b.regions, b.family): b for b in reversed(REAL)}.values())
LARGE = dense(140_000, 1)


def compiled_for(board: Board, folder: Path, **models: bytes) -> list[Compiled]:
    compiled = []
    for name, content in models.items():
        path = folder / f"{name}.tflite"
        path.write_bytes(content)
        request = make_request(path, None, None, {}, False)
        compiled.append(compile_model(request, None, lambda text: None, board.kernels, board.regions))
    return compiled


def compile_project(board: Board, project: Path, folder: Path) -> set[str]:
    """Compile all files of a project as its tinygen.ini asks for; returns their names."""
    flags = re.findall(r"^build_flags = (.*)$", (project / "tinygen.ini").read_text(), re.MULTILINE)[-1].split()
    includes = [*project.glob("lib/*/src"), project / "tester", STUBS, STUBS / board.framework]
    if board.core.startswith("esp32"):
        includes.append(STUBS / "espidf")  # which lies beneath the Arduino core
    sources = sorted(p for p in project.rglob("*") if p.suffix in (".c", ".cpp"))
    for source in sources:
        cplusplus = source.suffix == ".cpp"
        compiler = f"{board.compiler}{'g++' if cplusplus else 'gcc'}"
        # C99 with GNU's inline assembly, as every framework's headers need it
        standard = "-std=gnu++11" if cplusplus else "-std=gnu99" if board.framework != "arduino" else "-std=c99"
        core = (*board.flags, *PICOLIBC.get(board.compiler, ()), *core_defines(board))
        command = [compiler, standard, "-O2", *STRICT, *core, *flags]
        run_tool([*command, *(f"-I{i}" for i in includes), "-c", source, "-o", folder / "x.o"])
    return {source.name for source in sources}


@pytest.mark.parametrize("board", KINDS, ids=lambda board: board.name)
def test_generated_projects_compile_for_their_core(tmp_path: Path, board: Board) -> None:
    models = compiled_for(board, tmp_path, one=small_model(), other=small_model(1))
    expected = {"one.c", "tested_model.c", "tg_tester.c"}
    expected |= {"main.cpp", "port_arduino.cpp"} if board.framework == "arduino" else {"main.c", "port_bare.c"}
    expected |= {"tg_port.c"} if board.framework != "arduino" else set()
    expected |= {"tg_heap.c"} if board.needs_heap else set()
    write_board_project(models[:1], board, tmp_path / "single")
    assert compile_project(board, tmp_path / "single", tmp_path) == expected
    write_board_project(models, board, tmp_path / "both")
    more = {"other.c", "one_other_arena.c", "tested_model_2.c"}
    assert compile_project(board, tmp_path / "both", tmp_path) == expected | more


@pytest.mark.parametrize("board", [b for b in REAL if b.hal], ids=lambda board: board.name)
def test_the_uart_of_every_board_under_stm32cube(tmp_path: Path, board: Board) -> None:
    write_board_project(compiled_for(board, tmp_path, one=small_model()), board, tmp_path / "p")
    includes = (f"-I{STUBS / 'stm32cube'}", f"-DTG_PORT_BAUD={board.baud}")
    source = tmp_path / "p" / "lib" / "tg_port" / "src" / "tg_port.c"
    run_tool(
        [f"{board.compiler}gcc", "-std=gnu99", *STRICT, *board.flags, *includes, "-c", source, "-o", tmp_path / "x"]
    )


@pytest.mark.parametrize("board", [b for b in REAL if b.needs_heap], ids=lambda board: board.name)
def test_projects_with_an_arena_from_the_heap_compile(tmp_path: Path, board: Board) -> None:
    models = compiled_for(board, tmp_path, one=LARGE, other=small_model())
    write_board_project(models, board, tmp_path / "p")
    taken = (tmp_path / "p/lib/tg_heap/src/tg_heap.c").read_text()
    assert re.search(r"heap_caps_aligned_alloc\(16, 140\d\d\d, MALLOC_CAP_SPIRAM\)", taken) or board.name != "esp32cam"
    assert "tg_heap.c" in compile_project(board, tmp_path / "p", tmp_path)


HEAP = """
#include <stdlib.h>
#include "esp_heap_caps.h"
void *heap_caps_aligned_alloc(size_t alignment, size_t size, uint32_t caps) {
  (void)caps;
  return aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
}
"""


def test_an_arena_from_the_heap_computes_the_same(tmp_path: Path) -> None:
    """The tester of an ESP32-CAM on this computer: an Arduino whose Serial is a tty, and whose PSRAM is malloc()."""
    board = get_board("esp32cam")
    (model,) = compiled_for(board, tmp_path, large=LARGE)
    assert [use.bytes > 0 for use in model.plan.regions] == [True, True]
    project = tmp_path / "p"
    write_board_project([model], board, project)
    (tmp_path / "heap.c").write_text(HEAP)
    flags = ["-DTG_BAUD=57600", "-DTG_HEAP", "-DLARGE_ARENA_EXTERNAL", f"-I{STUBS}", f"-I{STUBS / 'espidf'}"]
    flags += [f"-I{path}" for path in (*project.glob("lib/*/src"), project / "tester")]
    assert "-DTG_HEAP -DLARGE_ARENA_EXTERNAL" in (project / "tinygen.ini").read_text()
    sources = [*project.glob("lib/*/src/*.c"), *project.glob("tester/*.c"), tmp_path / "heap.c"]
    objects = []
    for source in sources:
        objects.append(tmp_path / f"{source.stem}.o")
        run_tool(["gcc", "-O1", *flags, "-c", source, "-o", objects[-1]])
    program = tmp_path / "program"
    cpp = [project / "tester" / "port_arduino.cpp", STUBS / "arduino_host.cpp"]
    run_tool(["g++", *flags, *cpp, *objects, "-o", program])
    graph = model.plan.program.graph
    (sample,) = random_samples(graph, 1).inputs
    with on_pty([str(program)]) as (name, _), Link.open(name, 921600) as link:
        assert link.infer(to_bytes(sample)).outputs == to_bytes(run(graph, sample))


def test_what_no_memory_holds_does_not_fit(tmp_path: Path) -> None:
    (large,) = compiled_for(get_board("esp32"), tmp_path, large=dense(300_000, 1))
    assert not all(use.fits for use in large.plan.regions)
