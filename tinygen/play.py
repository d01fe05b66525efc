"""A recording is played into a board, sample by sample; every result against the same pipeline in numpy.

Place in the flow: like tester.py, but of a model with a front end, and with samples instead of inputs.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tinygen import reference
from tinygen.boards import Board
from tinygen.device.link import Link
from tinygen.errors import TinygenError
from tinygen.features import fixed_values, quantize_values
from tinygen.features.framing import Samples
from tinygen.features.front_end import FrontEnd
from tinygen.ir import Array
from tinygen.pipeline import Compiled
from tinygen.plan import Plan
from tinygen.render.project import Played
from tinygen.samples import from_bytes
from tinygen.tester import Progress, board_with_tester

# of the device's memory for results
_MOST_RESULT_BYTES = 1 << 20
# slower than any core needs for a sample, front end and inferences in it
_SECONDS_PER_ROW = 60.0


@dataclass(frozen=True, slots=True, eq=False)
class PlayedResult:
    """An inference: seconds from the recording's beginning to the end of its last frame, and its outputs, as the device
    and as numpy has them."""

    seconds: float
    got: tuple[Array, ...]
    expected: tuple[Array, ...]

    @property
    def is_exact(self) -> bool:
        return all(np.array_equal(a, b) for a, b in zip(self.got, self.expected, strict=True))


@dataclass(frozen=True, slots=True, eq=False)
class PlayedRun:
    """The results of each recording, and the deepest that the stack was in any NAME_push (None: not known)."""

    recordings: tuple[tuple[PlayedResult, ...], ...]
    stack_bytes: int | None


def due_frames(front: FrontEnd, frames: int) -> range:
    """How many frames there were at each inference with a result, of so many frames since a reset."""
    first = -(-front.window // front.stride) * front.stride
    return range(first, frames + 1, front.stride)


def expected_results(plan: Plan, samples: Samples) -> tuple[tuple[Array, ...], ...]:
    """The outputs of every inference that has a result: numpy's front end, then the int8 reference.

    samples: (time,), or (time, channels), from a reset on.
    """
    front, graph = plan.features, plan.program.graph
    assert front is not None
    frames = quantize_values(fixed_values(samples, front.definition), front.folding)
    shape = graph.tensors[graph.inputs[0]].shape
    windows = [(frames[end - front.window : end].reshape(shape),) for end in due_frames(front, len(frames))]
    if front.forgets or not graph.variables:
        return tuple(reference.run(graph, window) for window in windows)
    if front.stride < front.window:
        raise TinygenError("a model with variables cannot be played with windows that overlap", "leave stride out")
    return reference.run_sequence(graph, windows)


def played_of(compiled: Compiled, recordings: Samples) -> Played:
    """What the tester's firmware must be made for; raises TinygenError where nothing would come out."""
    front, graph = compiled.plan.features, compiled.plan.program.graph
    if front is None:
        raise TinygenError(
            f"{compiled.request.name} has no front end", f"write {compiled.request.name}.toml (docs/features.md)"
        )
    d = front.definition
    length = recordings.shape[1]
    hops = length // d.hop
    frames = max((hops * d.hop - d.window) // d.hop + 1, 0)
    due = due_frames(front, frames)
    size = sum(graph.tensors[i].nbytes for i in graph.outputs)
    if not due:
        needed = ((due_frames(front, 1 << 30)[0] - 1) * d.hop + d.window) / d.rate
        raise TinygenError(
            f"the recording has {length / d.rate:.2f} s, and the first result comes after {needed:.2f}",
            "give a longer recording",
        )
    if len(due) * size > _MOST_RESULT_BYTES:
        raise TinygenError(f"{len(due):,} results of {size} bytes are too many at once", "cut the recording")
    return Played(hops, len(due))


def play(
    compiled: Compiled, recordings: Samples, board: Board, project: Path, port: str | None, progress: Progress
) -> PlayedRun:
    """What comes out of each recording; the project is there, with a tester made for recordings of this length.

    recordings: (recordings, time) or (recordings, time, channels). Raises TinygenError when the board does not answer.
    """
    plan = compiled.plan
    front, graph = plan.features, plan.program.graph
    assert front is not None
    d, tensors = front.definition, [graph.tensors[i] for i in graph.outputs]
    size = sum(t.nbytes for t in tensors)
    whole = recordings[:, : recordings.shape[1] // d.hop * d.hop]
    played, stacks = [], []
    with board_with_tester(board, project, port, progress) as target, Link.open(target.url, board.baud) as link:
        info = link.hello()
        if info.sha256 != compiled.model.sha256:
            raise TinygenError(
                f"the board runs another model: '{info.name}'", "give the board, or a PORT that is no URL"
            )
        for number, samples in enumerate(whole, start=1):
            progress(f"playing recording {number} of {len(whole)}")
            answer = link.infer(samples.astype("<i2").tobytes(), _SECONDS_PER_ROW)
            content = answer.outputs
            stacks += [] if answer.stack_bytes is None else [answer.stack_bytes]
            wanted = expected_results(plan, samples)
            got = [from_bytes(content[at : at + size], tensors) for at in range(0, len(content), size)]
            ends = due_frames(front, 1 + (len(samples) - d.window) // d.hop)
            seconds = [((end - 1) * d.hop + d.window) / d.rate for end in ends]
            played.append(tuple(map(PlayedResult, seconds, got, wanted)))
    return PlayedRun(tuple(played), max(stacks, default=None))
