"""The generated library as a user compiles it."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.support.cli import tinygen
from tests.support.models import small_model

STRICT = ("-std=c99", "-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Werror")
MAIN = """
#include <stdio.h>
#include "one.h"
#include "other.h"
static int8_t memory[ONE_ARENA_BYTES] __attribute__((aligned(16)));
int main(void) {
  one_set_arena(memory);
  for (int i = 0; i < ONE_INPUT_0_SIZE; ++i) {
    one_input(0)[i] = (int8_t)(i * 9);
    other_input(0)[i] = (int8_t)(i * 9);
  }
  one_invoke();
  other_invoke();
  for (int i = 0; i < ONE_OUTPUT_0_SIZE; ++i) printf("%d %d\\n", one_output(0)[i], other_output(0)[i]);
  return one_input(1) != NULL || one_output(-1) != NULL;
}
"""


def test_two_models_in_one_program_and_an_arena_of_the_callers(tmp_path: Path) -> None:
    for name in ("one", "other"):
        (tmp_path / f"{name}.tflite").write_bytes(small_model())
        assert tinygen("generate", f"{name}.tflite", cwd=tmp_path).code == 0
    (tmp_path / "main.c").write_text(MAIN)
    command = ["gcc", *STRICT, "-DONE_ARENA_EXTERNAL", "-Ione/src", "-Iother/src", "main.c"]
    command += ["one/src/one.c", "other/src/other.c", "-o", "program"]
    subprocess.run(command, cwd=tmp_path, check=True, timeout=60)
    printed = subprocess.run(["./program"], cwd=tmp_path, check=True, capture_output=True, text=True, timeout=60)
    pairs = [line.split() for line in printed.stdout.splitlines()]
    assert len(pairs) == 3
    assert all(a == b for a, b in pairs)
    assert len({a for a, _ in pairs}) > 1


def test_generate_replaces_a_library_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "m1.tflite").write_bytes(small_model())
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("important")
    assert "not empty" in tinygen("generate", "m1.tflite", "-o", "mine", cwd=tmp_path).error()
    assert (tmp_path / "mine" / "notes.txt").read_text() == "important"
    assert tinygen("generate", "m1.tflite", "-o", "lib", cwd=tmp_path).code == 0
    (tmp_path / "lib" / "src" / "stale.c").write_text("old")
    assert tinygen("generate", "m1.tflite", "-o", "lib", cwd=tmp_path).code == 0
    assert not (tmp_path / "lib" / "src" / "stale.c").exists()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["lib", "m1.tflite", "mine"]


def test_generate_takes_the_kernels_of_a_board(tmp_path: Path) -> None:
    """What a host compiles of a Cortex-M4's kernels computes the same: their twins in plain C."""
    (tmp_path / "one.tflite").write_bytes(small_model())
    (tmp_path / "other.tflite").write_bytes(small_model())
    assert tinygen("generate", "one.tflite", "--board", "nucleo_f446re", cwd=tmp_path).code == 0
    assert tinygen("generate", "other.tflite", cwd=tmp_path).code == 0
    assert list((tmp_path / "one/src/one_kernels").glob("*_dsp.h"))
    assert not list((tmp_path / "other/src/other_kernels").glob("*_dsp.h"))
    (tmp_path / "main.c").write_text(MAIN)
    command = ["gcc", *STRICT, "-DONE_ARENA_EXTERNAL", "-Ione/src", "-Iother/src", "main.c"]
    subprocess.run(
        [*command, "one/src/one.c", "other/src/other.c", "-o", "program"], cwd=tmp_path, check=True, timeout=60
    )
    printed = subprocess.run(["./program"], cwd=tmp_path, check=True, capture_output=True, text=True, timeout=60)
    pairs = [line.split() for line in printed.stdout.splitlines()]
    assert len(pairs) == 3
    assert all(a == b for a, b in pairs)


SHARED_MAIN = """
#include <stdio.h>
#include "one.h"
#include "other.h"
#include "one_other_arena.h"
int main(void) {
  printf("%d %d\\n", one_input(0) == one_other_arena || other_input(0) == one_other_arena,
         ONE_OTHER_ARENA_BYTES == sizeof one_other_arena);
  for (int turn = 0; turn < 2; ++turn) {
    for (int i = 0; i < ONE_INPUT_0_SIZE; ++i) one_input(0)[i] = (int8_t)(i * 9);
    one_invoke();
    for (int i = 0; i < ONE_OUTPUT_0_SIZE; ++i) printf("%d ", one_output(0)[i]);
    for (int i = 0; i < OTHER_INPUT_0_SIZE; ++i) other_input(0)[i] = (int8_t)(i * 9);
    other_invoke();
    for (int i = 0; i < OTHER_OUTPUT_0_SIZE; ++i) printf("%d ", other_output(0)[i]);
    printf("\\n");
  }
  return 0;
}
"""


def test_two_models_over_one_arena(tmp_path: Path) -> None:
    for index, name in enumerate(("one", "other")):
        (tmp_path / f"{name}.tflite").write_bytes(small_model(index))
    report = tinygen("generate", "one.tflite", "other.tflite", "-o", "lib", "--json", cwd=tmp_path).json()
    names = ["one", "other", "one_other_arena"]
    assert sorted(p.name for p in (tmp_path / "lib").iterdir()) == sorted(names)
    assert report["arena_bytes"] == max(model["arena_bytes"] for model in report["models"])
    assert "fill the" in (tmp_path / "lib" / "one" / "src" / "one.h").read_text()
    (tmp_path / "main.c").write_text(SHARED_MAIN)
    sources = [f"lib/{name}/src/{name}.c" for name in names]
    command = ["gcc", *STRICT, *(f"-Ilib/{name}/src" for name in names), "main.c", *sources, "-o", "program"]
    subprocess.run(command, cwd=tmp_path, check=True, timeout=60)
    printed = subprocess.run(["./program"], cwd=tmp_path, check=True, capture_output=True, text=True, timeout=60)
    head, first, second = printed.stdout.splitlines()
    assert head == "1 1"
    assert first == second
    values = first.split()
    assert values[:3] != values[3:]  # the other model has other weights
    (tmp_path / "lib" / "one_other_arena" / "library.json").unlink()
    (tmp_path / "lib" / "one_other_arena" / "src" / "one_other_arena.h").write_text("somebody's own")
    assert "not empty" in tinygen("generate", "one.tflite", "other.tflite", "-o", "lib", cwd=tmp_path).error()
