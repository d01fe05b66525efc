"""The kws example on every emulated board that it fits: command line, PlatformIO, emulator, serial, verdict."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.cli import REPOSITORY, tinygen
from tinygen.boards import Board, load_boards

KWS = REPOSITORY / "examples" / "kws" / "kws.h5"
# the smallest arena is some 7 KB, and the tester has its buffers beside it
BOARDS = tuple(board for board in load_boards() if board.emulated and board.ram_bytes >= 16384)


def test_every_core_is_there() -> None:
    assert {board.core for board in BOARDS} >= {
        *("cortex-m0", "cortex-m3", "cortex-m4", "cortex-m7", "cortex-m33", "rv32imc", "host")
    }


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.name)
def test_kws_is_bit_exact(tmp_path: Path, kws_tflite: Path, board: Board) -> None:
    command = ("test", "--board", board.name, "--samples", "2", "--json")
    result = tinygen(*command, "--data", KWS.with_suffix(".npz"), kws_tflite, cwd=tmp_path).json()
    assert result["bit_exact"] == result["outputs"] == 24
    kernels = {file.name for file in (tmp_path / f"kws-{board.name}" / "lib/kws/src/kws_kernels").iterdir()}
    dsp = {"cortex-m4", "cortex-m7", "cortex-m33"}
    assert any(name.endswith("_dsp.h") for name in kernels) == (board.core in dsp)
