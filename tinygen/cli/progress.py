"""Progress on stderr: a spinner or a bar on a terminal, one line per step elsewhere."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from tinygen.load.keras_job import Quality
from tinygen.pipeline import Calibration

OUT = Console(highlight=False, soft_wrap=True)
ERR = Console(stderr=True, highlight=False, soft_wrap=True)

# of what PlatformIO prints, what tells a person that it works
_BUILDING = re.compile(r"Compiling|Archiving|Linking|Uploading|Writing")
_DOWNLOADING = re.compile(r"\w+ Manager: |Downloading|Unpacking")


class _Throughput(ProgressColumn):
    """Samples per second, of the last half minute or so."""

    def render(self, task: Task) -> Text:
        return Text("" if task.speed is None else f"{task.speed:.3g}/s")


class Steps:
    """Shows what is being done. Steps of more than a second stay on the screen with their time."""

    @contextmanager
    def step(self, text: str) -> Iterator[None]:
        """Show `text` while the block runs."""
        start = time.monotonic()
        with ERR.status(text) as status:
            self._update = status.update
            if not ERR.is_terminal:
                ERR.print(f"{text} ...")
            yield
        seconds = time.monotonic() - start
        if seconds >= 1:
            ERR.print(f"{text}: {seconds:.1f} s")

    def update(self, text: str) -> None:
        """Change what the running step shows; called from inside it."""
        self._update(text)
        if not ERR.is_terminal:
            ERR.print(f"  {text}")

    def platformio(self, line: str) -> None:
        """Take a line that PlatformIO printed."""
        if _DOWNLOADING.match(line) or (_BUILDING.match(line) and ERR.is_terminal):
            self.update(line)

    @contextmanager
    def count(self, text: str, total: int) -> Iterator[Callable[[int], None]]:
        """Show a bar; yields a function that takes the count so far."""
        start = time.monotonic()
        columns = (TextColumn(text), BarColumn(), MofNCompleteColumn(), _Throughput(), TimeRemainingColumn())
        with Progress(*columns, console=ERR, transient=True, disable=not ERR.is_terminal) as progress:
            task = progress.add_task(text, total=total)
            if not ERR.is_terminal:
                ERR.print(f"{text}: {total} samples ...")
            yield lambda done: progress.update(task, completed=done)
        seconds = time.monotonic() - start
        ERR.print(f"{text}: {total} samples in {seconds:.1f} s, {total / max(seconds, 1e-3):.3g} a second")


def warn_of_random(calibration: Calibration) -> None:
    """One loud line when a model was calibrated on random input."""
    if calibration.random:
        text = "calibrated on RANDOM input, there was no --data: the accuracy of this model is not to be trusted"
        ERR.print(f"WARNING: {text}", style="bold yellow")


def quality_line(quality: Quality) -> str:
    """How near the int8 model is to the float model, and by what."""
    text = f"signal to quantization noise {quality.sqnr_db:.1f} dB"
    if not quality.remedies:
        return f"{text}: nothing better was found than what the converter made"
    return f"{text}, {quality.plain_sqnr_db:.1f} dB as the converter made it: {', '.join(quality.remedies)}"
