"""A recording is played into a board, sample by sample; every result against the same pipeline in numpy.

Place in the flow: like tester.py, but of a model with a front end, and with samples instead of inputs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tinygen import reference
from tinygen.boards import Board
from tinygen.decision.decider import decide
from tinygen.device.link import Link
from tinygen.drift.watch import drift_scores
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

Windows = tuple[npt.NDArray[np.int8], ...]

# of the device's memory for results
_MOST_RESULT_BYTES = 1 << 20
# slower than any core needs for a sample, front end and inferences in it
_SECONDS_PER_ROW = 60.0


@dataclass(frozen=True, slots=True, eq=False)
class PlayedResult:
    """An inference: seconds from the recording's beginning to the end of its last frame, and its outputs, as the device
    and as numpy has them. decided: what was decided for, on the device and in numpy; -1 is nothing (always without a
    table [decision]). drift: the score of the drift watch, likewise; 0 without one."""

    seconds: float
    got: tuple[Array, ...]
    expected: tuple[Array, ...]
    decided: int = -1
    expected_decision: int = -1
    drift: int = 0
    expected_drift: int = 0

    @property
    def is_exact(self) -> bool:
        beside = (self.decided, self.drift) == (self.expected_decision, self.expected_drift)
        return beside and all(np.array_equal(a, b) for a, b in zip(self.got, self.expected, strict=True))


@dataclass(frozen=True, slots=True, eq=False)
class PlayedRun:
    """The results of each recording, and the deepest that the stack was in any NAME_push (None: not known)."""

    recordings: tuple[tuple[PlayedResult, ...], ...]
    stack_bytes: int | None


def due_frames(front: FrontEnd, frames: int) -> range:
    """How many frames there were at each inference with a result, of so many frames since a reset."""
    first = -(-front.window // front.stride) * front.stride
    return range(first, frames + 1, front.stride)


def front_end_of(compiled: Compiled) -> FrontEnd:
    """Raises TinygenError for a model without one."""
    request = compiled.request
    if compiled.plan.features is None:
        raise TinygenError(f"{request.name} has no front end", f"write {request.model.stem}.toml (docs/features.md)")
    return compiled.plan.features


def windows_of(front: FrontEnd, samples: Samples) -> Windows:
    """The frames (window, features) of each inference with a result.

    samples: (time,), or (time, channels), from a reset on.
    """
    frames = quantize_values(fixed_values(samples, front.definition), front.folding)
    return tuple(frames[end - front.window : end] for end in due_frames(front, len(frames)))


def expected_results(plan: Plan, windows: Windows) -> tuple[tuple[Array, ...], ...]:
    """The outputs of every inference that has a result, of the int8 reference."""
    front, graph = plan.features, plan.program.graph
    assert front is not None
    shape = graph.tensors[graph.inputs[0]].shape
    inputs = [(window.reshape(shape),) for window in windows]
    if front.forgets or not graph.variables:
        return tuple(reference.run(graph, each) for each in inputs)
    if front.stride < front.window:
        raise TinygenError("a model with variables cannot be played with windows that overlap", "leave stride out")
    return reference.run_sequence(graph, inputs)


def expected_decisions(plan: Plan, results: Sequence[tuple[Array, ...]]) -> tuple[int, ...]:
    """What is decided at each result of a recording: the number of a label, or -1."""
    decider = plan.features.decider if plan.features else None
    if decider is None:
        return (-1,) * len(results)
    return decide(np.stack([outputs[0].reshape(-1) for outputs in results]), decider)


def expected_drift(plan: Plan, windows: Windows, results: Sequence[tuple[Array, ...]]) -> tuple[int, ...]:
    """The score of the drift watch behind each result of a recording."""
    front = plan.features
    if front is None or front.watch is None:
        return (0,) * len(results)
    seen = np.stack([window[-front.kept :].reshape(-1) for window in windows])
    return drift_scores(seen, np.stack([outputs[0].reshape(-1) for outputs in results]), front.watch)


def result_seconds(front: FrontEnd, samples: int) -> list[float]:
    """Where in a recording of so many samples each result's last frame ends."""
    d = front.definition
    ends = due_frames(front, 1 + (samples - d.window) // d.hop)
    return [((end - 1) * d.hop + d.window) / d.rate for end in ends]


def result_bytes(plan: Plan) -> int:
    """What the tester keeps of a result: the outputs, the decision as int16, the drift's score as int32."""
    graph = plan.program.graph
    outputs = sum(graph.tensors[i].nbytes for i in graph.outputs)
    front = plan.features
    return outputs + (2 if front and front.decider else 0) + (4 if front and front.watch else 0)


def played_of(compiled: Compiled, recordings: Samples) -> Played:
    """What the tester's firmware must be made for; raises TinygenError where nothing would come out."""
    front = front_end_of(compiled)
    d = front.definition
    length = recordings.shape[1]
    hops = length // d.hop
    frames = max((hops * d.hop - d.window) // d.hop + 1, 0)
    due = due_frames(front, frames)
    size = result_bytes(compiled.plan)
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
    size, output_size = result_bytes(plan), sum(t.nbytes for t in tensors)
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
            windows = windows_of(front, samples)
            wanted = expected_results(plan, windows)
            records = [content[at : at + size] for at in range(0, len(content), size)]
            got = [from_bytes(record, tensors) for record in records]
            beside = [_beside(front, record[output_size:]) for record in records]
            seconds = result_seconds(front, len(samples))
            decisions = expected_decisions(plan, wanted)
            drift = expected_drift(plan, windows, wanted)
            rows = zip(seconds, got, wanted, beside, decisions, drift, strict=True)
            played.append(tuple(PlayedResult(s, g, w, b[0], d, b[1], f) for s, g, w, b, d, f in rows))
    return PlayedRun(tuple(played), max(stacks, default=None))


def _beside(front: FrontEnd, content: bytes) -> tuple[int, int]:
    """The decision and the drift's score that stand behind the outputs of a result."""
    at = 2 if front.decider else 0
    decided = int.from_bytes(content[:at], "little", signed=True) if at else -1
    return decided, int.from_bytes(content[at : at + 4], "little", signed=True)
