"""Whatever is wrong with what the user gives: one line that says so, a hint, exit code 1 or 2, nothing left behind."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import numpy as np
import pytest

from tests.support.cli import tinygen
from tests.support.models import float_model, small_model, unsupported_model


def contents(folder: Path) -> set[str]:
    return {p.name for p in folder.iterdir()}


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("random.tflite", bytes(range(256)) * 8, "not a TFLite model"),
        ("empty.tflite", b"", "not a TFLite model"),
        ("truncated.tflite", small_model()[:200], "damaged"),
        ("float.tflite", float_model(), "float32, int8 expected"),
        ("unsupported.tflite", unsupported_model(), "RANK (layer the/first); UNIQUE (layer the/second)"),
        ("model.txt", b"hello", "model.txt"),
    ],
)
def test_a_file_that_is_no_int8_model(tmp_path: Path, name: str, content: bytes, expected: str) -> None:
    (tmp_path / name).write_bytes(content)
    for command in (["generate"], ["build", "--board", "host"], ["plan"]):
        result = tinygen(*command, name, cwd=tmp_path)
        assert expected in result.error()
        assert contents(tmp_path) == {name}


def test_unknown_things_are_named(tmp_path: Path) -> None:
    (tmp_path / "m.tflite").write_bytes(small_model())
    assert "nowhere.h5" in tinygen("plan", "nowhere.h5", cwd=tmp_path).error()
    assert "qemu-stm32" in tinygen("build", "--board", "qemu-stm32f406", "m.tflite", cwd=tmp_path).err
    assert "nothing.npz" in tinygen("generate", "m.tflite", "--data", "nothing.npz", cwd=tmp_path).error()
    assert contents(tmp_path) == {"m.tflite"}


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (np.full((5, 4), np.nan, np.float32), "NaN"),
        (np.zeros((5, 3), np.float32), "(5, 3)"),
        (np.zeros((0, 4), np.float32), "no samples"),
    ],
)
def test_data_that_does_not_fit(tmp_path: Path, array: np.ndarray, expected: str) -> None:
    (tmp_path / "m.tflite").write_bytes(small_model())
    np.save(tmp_path / "x.npy", array)
    assert (
        expected.lower()
        in tinygen("test", "--board", "host", "m.tflite", "--data", "x.npy", cwd=tmp_path).error().lower()
    )


def test_json_errors_can_be_read_by_a_program(tmp_path: Path) -> None:
    (tmp_path / "m.tflite").write_bytes(b"junk")
    result = tinygen("build", "--board", "host", "--json", "m.tflite", cwd=tmp_path)
    assert set(json.loads(result.out)) == {"error", "hint"}


def test_a_missing_compiler_is_named(tmp_path: Path) -> None:
    (tmp_path / "m.tflite").write_bytes(small_model())
    result = tinygen("build", "--board", "qemu-stm32f405", "m.tflite", cwd=tmp_path, env={"PATH": str(tmp_path)})
    assert "arm-none-eabi-gcc" in result.error()
    assert "gcc-arm-none-eabi" in result.err


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "m.tflite").write_bytes(small_model())
    (tmp_path / "file").write_text("x")
    tinygen("generate", "m.tflite", "-o", "file/library", cwd=tmp_path).error()
    tinygen("build", "--board", "host", "m.tflite", "-o", "/proc/nowhere", cwd=tmp_path).error()
    assert contents(tmp_path) == {"m.tflite", "file"}


def test_a_full_disk_leaves_nothing_behind(tmp_path: Path) -> None:
    """A file size limit of the process stands in for a full disk."""
    (tmp_path / "m.tflite").write_bytes(small_model())
    limited = ("sh", "-c", 'ulimit -f 1; exec "$@"', "sh")  # blocks of 512 bytes
    result = tinygen("generate", "m.tflite", cwd=tmp_path, prefix=limited)
    result.error()
    assert contents(tmp_path) == {"m.tflite"}


def test_nobody_answers(tmp_path: Path) -> None:
    (tmp_path / "m.tflite").write_bytes(small_model())
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = f"socket://127.0.0.1:{silent.getsockname()[1]}"
        result = tinygen("test", "--board", "qemu-stm32f405", "--port", port, "m.tflite", cwd=tmp_path, timeout=90)
        assert "answer" in result.error()


def test_a_port_that_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "m.tflite").write_bytes(small_model())
    result = tinygen("test", "--board", "host", "--port", "socket://127.0.0.1:9", "m.tflite", cwd=tmp_path, timeout=90)
    assert "127.0.0.1:9" in result.error()


@pytest.mark.parametrize(
    "command",
    ["build", "test", "bench", "tune", "run", "flash", "generate", "quantize", "plan", "boards", "doctor"],
)
def test_every_command_has_help_with_an_example(tmp_path: Path, command: str) -> None:
    result = tinygen(command, "--help", cwd=tmp_path)
    assert result.code == 0
    assert f"Example: tinygen {command}" in result.out
    assert not result.err  # of an option that stands there twice, click warns the user


def test_a_wrong_call_exits_with_2(tmp_path: Path) -> None:
    result = tinygen("build", cwd=tmp_path)
    assert "MODEL" in result.error()
    assert result.code == 2
