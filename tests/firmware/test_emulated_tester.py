"""From a project folder to an answering board, for every emulated board."""

from __future__ import annotations

import os
import random
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.firmware.conftest import MakeProject
from tests.firmware.fake import INPUT_BYTES, SHA256, reference
from tinygen.boards import Board, get_board, load_boards
from tinygen.device.link import Link
from tinygen.elf import section_sizes, symbol_sizes
from tinygen.emulator import running
from tinygen.errors import TinygenError
from tinygen.platformio import DoesNotFit, build_firmware, upload
from tinygen.platformio_core import offline_environment

EMULATED = tuple(board for board in load_boards() if board.emulated)
ARM = tuple(board for board in EMULATED if board.core == "cortex-m4")
SAMPLES = tuple(random.Random(seed).randbytes(INPUT_BYTES) for seed in range(5))


def by_name(board: Board) -> str:
    return board.name


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.parametrize("board", EMULATED, ids=by_name)
def test_the_tester_answers_in_the_emulator(board: Board, make_project: MakeProject) -> None:
    lines: list[str] = []
    result = build_firmware(make_project(board), board.name, board, lines.append)
    assert tuple(lines) == result.log
    with running(board, result.elf) as url, Link.open(url) as link:
        info = link.hello()
        assert (info.name, info.sha256, info.ticks_hz) == ("fake", SHA256, board.clock_hz)
        answers = [link.infer(sample) for sample in SAMPLES]
    assert [answer.outputs for answer in answers] == [reference(sample) for sample in SAMPLES]
    assert link.retries == 0
    ticks = [answer.ticks for answer in answers]
    assert min(ticks) > 0
    if board.core != "host":  # instructions are counted, not timed
        assert max(ticks) - min(ticks) <= 2
    with pytest.raises(TinygenError), Link.open(url):
        pass  # the emulator has ended with its `with`


@pytest.mark.parametrize("board", ARM, ids=by_name)
def test_sizes_of_the_firmware(board: Board, make_project: MakeProject) -> None:
    sizes = section_sizes(build_firmware(make_project(board), board.name, board).elf)
    symbols = symbol_sizes(build_firmware(make_project_dir(make_project), board.name, board).elf)
    assert symbols["arena"] == INPUT_BYTES
    assert symbols["payload"] == 512
    assert INPUT_BYTES + 512 < sizes.ram < 3200
    assert 1500 < sizes.flash < 5000


def make_project_dir(make_project: MakeProject) -> Path:
    """The folder that the fixture made in this test already."""
    cells = make_project.__closure__ or ()
    return next(Path(cell.cell_contents) for cell in cells if isinstance(cell.cell_contents, Path)) / "project"
