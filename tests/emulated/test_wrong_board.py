"""A board that runs something else, or goes away: one clear error within a bounded time, never a verdict."""

from __future__ import annotations

from pathlib import Path

from tests.support.cli import tinygen
from tests.support.models import small_model
from tinygen.boards import get_board
from tinygen.emulator import running


def test_another_model_on_the_board_is_named(tmp_path: Path) -> None:
    (tmp_path / "here.tflite").write_bytes(small_model())
    (tmp_path / "there.tflite").write_bytes(small_model(weight=3))
    assert tinygen(*["test", "--board", "host", "there.tflite"], cwd=tmp_path).code == 0
    firmware = tmp_path / "there-host" / ".pio" / "build" / "host_test" / "firmware.elf"
    with running(get_board("host"), firmware) as url:
        assert tinygen("test", "--board", "host", "--port", url, "there.tflite", cwd=tmp_path).code == 0
        result = tinygen("test", "--board", "host", "--port", url, "here.tflite", cwd=tmp_path)
    assert "another model" in result.error()
    assert "'there'" in result.error()
    assert "bit-exact" not in result.out
