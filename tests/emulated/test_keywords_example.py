"""examples/keywords: a stream of speech in noise, sample by sample into an emulated Cortex-M4; words come out."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from tests.support.cli import REPOSITORY, tinygen
from tests.support.sketches import build_sketch, run_sketch
from tinygen.decision.events import Event, read_events
from tinygen.decision.tradeoff import count_decisions
from tinygen.elf import section_sizes
from tinygen.features.definition import load_definition
from tinygen.features.recordings import read_samples

EXAMPLE = REPOSITORY / "examples" / "keywords"
DATA = ("--data", EXAMPLE / "keywords.npz")
BACKGROUND = ("silence", "unknown")
# what `tinygen tune-decision` takes
TOLERANCE = 1.0
NIGHTLY = "TINYGEN_NIGHTLY" in os.environ
pytestmark = pytest.mark.skipif(
    shutil.which("espeak-ng") is None, reason="no espeak-ng is installed (`make test` does it)"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the int8 model and its table."""
    folder = tmp_path_factory.mktemp("keywords")
    assert tinygen("quantize", "-o", "keywords.tflite", EXAMPLE / "keywords.h5", cwd=folder).code == 0
    shutil.copy(EXAMPLE / "keywords.toml", folder)
    return folder


def stream(folder: Path, seconds: int) -> tuple[npt.NDArray[np.int16], tuple[Event, ...]]:
    """So many seconds of the test's voices, and the words in them."""
    out = folder / f"room{seconds}.wav"
    subprocess.run([sys.executable, EXAMPLE / "stream.py", "--seconds", str(seconds), "-o", out], check=True)
    events = read_events(out.with_suffix(".csv"), seconds)
    wanted = tuple(event for event in events if event.label not in BACKGROUND)
    return read_samples(out, load_definition(EXAMPLE / "keywords.toml")), wanted


def play(folder: Path, board: str, recordings: npt.NDArray[np.int16]) -> Any:
    """What `tinygen play` says of recordings (recordings, time)."""
    np.save(folder / "recordings.npy", recordings)
    command = ("play", "--board", board, "--recording", "recordings.npy", "--json", *DATA)
    return tinygen(*command, "keywords.tflite", cwd=folder, timeout=3000).json()


def decisions(report: Any) -> list[list[tuple[float, str]]]:
    """Second and label of the decisions in each recording."""
    return [[(r["seconds"], r["decision"]) for r in each if r["decision"]] for each in report["recordings"]]


def count(report: Any, events: tuple[Event, ...], seconds: float) -> tuple[int, int]:
    """(words found, false accepts), of recordings of so many seconds that follow each other."""
    found = false = 0
    for number, heard in enumerate(decisions(report)):
        begin = number * seconds
        here = [Event(e.start - begin, e.end - begin, e.label) for e in events if begin <= e.start < begin + seconds]
        more = count_decisions(heard, here, TOLERANCE)
        found, false = found + more[0], false + more[1]
    return found, false


def test_half_a_minute_into_a_cortex_m4_and_into_the_sketches(folder: Path) -> None:
    samples, events = stream(folder, 30)
    report = play(folder, "qemu-cortex-m4", samples[np.newaxis])
    assert report["results"] == report["bit_exact"] == 145  # scores and decisions
    found, false = count(report, events, 30)
    assert (len(events), false) == (5, 0)
    assert found >= 3

    elf = folder / "keywords-qemu-cortex-m4" / ".pio" / "build" / "qemu-cortex-m4_test" / "firmware.elf"
    # the tester: the library, what a serial port needs, and the results of half a minute
    assert section_sizes(elf).ram + report["stack_bytes"] <= 32 * 1024

    assert tinygen("build", "--board", "host", *DATA, "keywords.tflite", cwd=folder).code == 0
    words = [label for _, label in decisions(report)[0]]
    for name in ("keywords_esp32", "keywords_nano33ble"):
        (folder / name).mkdir()
        sketch, library = EXAMPLE / name / f"{name}.ino", folder / "keywords-host/lib/keywords/src"
        program = build_sketch(sketch, library, "keywords", folder / name)
        assert run_sketch(program, samples) == words


@pytest.mark.skipif(not NIGHTLY, reason="20 minutes of sound: only with TINYGEN_NIGHTLY")
def test_twenty_minutes_into_a_cortex_m4(folder: Path, record_property: Callable[[str, object], None]) -> None:
    samples, events = stream(folder, 1200)
    recordings = samples.reshape(20, -1)  # as stream.py changes the room
    report = play(folder, "qemu-cortex-m4", recordings)
    assert report["results"] == report["bit_exact"] == 20 * 295
    found, false = count(report, events, 60)
    recall, per_hour = found / len(events), false * 3
    print(f"keywords: {found} of {len(events)} words found ({recall:.1%}), {per_hour} false accepts an hour")
    record_property("exact", f"keywords, 20 minutes: recall {recall:.1%}, {per_hour} false accepts an hour")
    assert recall >= 0.85  # 188 of 208 and 2 in 20 minutes; another espeak-ng may move them
    assert per_hour <= 15
