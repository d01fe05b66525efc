"""The generated application is run: what a model remembers is forgotten between inferences if it came from Keras."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.support.c_build import SHA256, STRICT, plan_of, run_tool, write_library
from tests.support.tflite_builder import ModelBuilder
from tinygen.boards import get_board
from tinygen.features import definition_of
from tinygen.features.front_end import make_front_end
from tinygen.load.tflite import parse_tflite
from tinygen.plan import with_features
from tinygen.render.project import ProjectFiles, ProjectModel, project_files
from tinygen.resources import FIRMWARE

_STUBS = FIRMWARE.parent / "tests" / "firmware" / "stubs"
# a board that prints and ends after three lines
_BARE = """#include <stdio.h>
#include <stdlib.h>
#include "tg_port.h"
static uint32_t ticks;
void tg_init(void) {}
void tg_putc(int c) {
  static int lines;
  putchar(c);
  if (c == '\\n' && ++lines == 3) exit(0);
}
uint32_t tg_ticks(void) { return ticks += 100000000U; }
uint32_t tg_ticks_hz(void) { return 1000000U; }
"""
_ARDUINO = """#include <Arduino.h>
#include <stdio.h>
HardwareSerial Serial;
void HardwareSerial::begin(unsigned long) {}
size_t HardwareSerial::print(const char *text) { return (size_t)printf("%s", text); }
size_t HardwareSerial::print(int number) { return (size_t)printf("%d", number); }
size_t HardwareSerial::print(unsigned long number) { return (size_t)printf("%lu", number); }
size_t HardwareSerial::println(const char *text) { return (size_t)puts(text); }
extern "C" unsigned long micros(void) { return 0; }
extern "C" void delay(unsigned long) {}
int main() {
  setup();
  for (int i = 0; i < 3; ++i) loop();
}
"""


def counter_model() -> bytes:
    """int8 (1, 1), which does not matter, to two scores: 1.5, and how often it was asked."""
    b = ModelBuilder()
    x, handle, before = b.input((1, 1), 0.5), b.handle("count"), b.tensor((1, 1), 0.5)
    b.op("READ_VARIABLE", [handle], [before])
    count, other, scores = (b.tensor(shape, 0.5) for shape in ((1, 1), (1, 1), (1, 2)))
    b.op("ADD", [before, b.constant(np.array([[2]], np.int8), 0.5)], [count], fusedActivationFunction=0)
    b.op("ASSIGN_VARIABLE", [handle, count], [])
    b.op("ADD", [x, b.constant(np.array([[3]], np.int8), 0.5)], [other], fusedActivationFunction=0)
    b.op("CONCATENATION", [other, count], [scores], axis=1, fusedActivationFunction=0)
    return b.build([scores])


def _application(board: str, starts_anew: bool, folder: Path, listens: bool = False) -> ProjectFiles:
    """listens: its input is the mean of 16 samples."""
    graph = parse_tflite(counter_model(), "counter", "counter")
    plan = plan_of(graph)
    if listens:
        table = {"kind": "statistics", "rate": 100, "window": 16, "hop": 4, "stride": 2, "statistics": ["mean"]}
        tensor = graph.tensors[graph.inputs[0]]
        plan = with_features(plan, make_front_end(definition_of(table), tensor, None, starts_anew))
    write_library(plan, folder)
    return project_files([ProjectModel(plan, SHA256, (), starts_anew)], {}, get_board(board), "platform")


def _tops(printed: bytes) -> list[str]:
    """The class in each line that the application printed."""
    return [line.split(",")[0] for line in printed.decode().splitlines()]


_FORGETS, _REMEMBERS = ["counter: 0"] * 3, ["counter: 0", "counter: 1", "counter: 1"]


@pytest.mark.parametrize("listens", [False, True])
@pytest.mark.parametrize(("starts_anew", "wanted"), [(True, _FORGETS), (False, _REMEMBERS)])
def test_on_a_bare_board(starts_anew: bool, wanted: list[str], listens: bool, tmp_path: Path) -> None:
    files = _application("host", starts_anew, tmp_path, listens)
    library = tmp_path / "counter" / "src"
    (tmp_path / "main.c").write_bytes(files.once["src/main.c"])
    (tmp_path / "port.c").write_text(_BARE)
    include = (f"-I{library}", f"-I{FIRMWARE / 'platform' / 'bsp'}")
    program = tmp_path / "program"
    run_tool(["gcc", *STRICT, *include, tmp_path / "main.c", tmp_path / "port.c", library / "counter.c", "-o", program])
    assert _tops(run_tool([program])) == wanted


@pytest.mark.parametrize("listens", [False, True])
@pytest.mark.parametrize(("starts_anew", "wanted"), [(True, _FORGETS), (False, _REMEMBERS)])
def test_on_an_arduino(starts_anew: bool, wanted: list[str], listens: bool, tmp_path: Path) -> None:
    files = _application("uno", starts_anew, tmp_path, listens)
    library = tmp_path / "counter" / "src"
    (tmp_path / "main.cpp").write_bytes(files.once["src/main.cpp"])
    (tmp_path / "port.cpp").write_text(_ARDUINO)
    include = (f"-I{library}", f"-I{_STUBS}")
    run_tool(["gcc", *STRICT, "-c", library / "counter.c", "-o", tmp_path / "counter.o"])
    program = tmp_path / "program"
    sources = (tmp_path / "main.cpp", tmp_path / "port.cpp")
    run_tool(["g++", "-std=gnu++11", *STRICT[1:], *include, *sources, tmp_path / "counter.o", "-o", program])
    assert _tops(run_tool([program])) == wanted
