"""Projects for real AVR boards build with the real Arduino core, the one that Debian ships.

Only the two lines that name PlatformIO's platform and board are exchanged, for those of an emulated board with the same
microcontroller; sources, libraries, environments and everything else stay as they were generated.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from tests.support.avr import needs_avr
from tests.support.cli import tinygen
from tests.support.models import small_model
from tests.support.tflite_builder import ModelBuilder
from tinygen.boards import Board, load_boards
from tinygen.elf import section_sizes
from tinygen.platformio import build_firmware, platform_spec

AVR = [board for board in load_boards() if board.core == "avr"]
REAL = [board for board in AVR if not board.emulated]
pytestmark = needs_avr


@pytest.mark.parametrize("board", REAL, ids=lambda board: board.name)
def test_application_and_tester_build(board: Board, tmp_path: Path) -> None:
    (stand_in,) = (b for b in AVR if b.emulated and b.flags == board.flags)
    (tmp_path / "small.tflite").write_bytes(small_model())
    # without a network or the platform the build itself fails; the project is complete
    tinygen("build", "--board", board.name, "small.tflite", "-o", "p", cwd=tmp_path, timeout=120)
    settings = tmp_path / "p" / "tinygen.ini"
    text, count = re.subn(r"^platform = .*$", f"platform = {platform_spec(stand_in)}", settings.read_text(), flags=re.M)
    text, more = re.subn(r"^board = .*$", f"board = {stand_in.board}", text, flags=re.M)
    assert (count, more) == (1, 1)
    settings.write_text(text)
    for environment in (board.name, f"{board.name}_test"):
        sizes = section_sizes(build_firmware(tmp_path / "p", environment, stand_in).elf)
        assert 200 < sizes.ram < 900
        assert 1500 < sizes.flash < 9000


def test_constants_beyond_the_reach_of_a_pointer_are_refused(tmp_path: Path) -> None:
    """A Mega 2560 has 256 KB of flash, and LPM reaches 64."""
    b = ModelBuilder()
    x, y = b.input((1, 400), 1.0, 0), b.tensor((1, 170), 1.0, 0)
    weights = np.ones((170, 400), np.int8)
    b.op("FULLY_CONNECTED", [x, b.constant(weights, [0.01])], [y], keepNumDims=False, fusedActivationFunction=0)
    (tmp_path / "large.tflite").write_bytes(b.build([y]))
    refused = tinygen("build", "--board", "simavr-mega2560", "large.tflite", cwd=tmp_path)
    assert "on an AVR kernels reach 64,000" in refused.error()
    assert not (tmp_path / "large-simavr-mega2560").exists()
