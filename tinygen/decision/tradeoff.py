"""How many events are found against how many false accepts there are, for many settings of a decider.

Place in the flow: `tinygen tune-decision` makes the scores with the numpy pipeline, and writes what `chosen` says.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import numpy.typing as npt

from tinygen.decision.decider import Scores, smoothed_sums, sum_limit, with_rests
from tinygen.decision.events import Event
from tinygen.errors import TinygenError
from tinygen.ir import Tensor

# results that are averaged, of which those are tried that the time of a window allows
_SMOOTHINGS = (1, 2, 3, 4, 6, 8, 12, 16)
_REST_SECONDS = (0.5, 1.0, 2.0)
_THRESHOLDS = 60
# the sum of a background label: below all limits
_BELOW = -(1 << 20)
Int64 = npt.NDArray[np.int64]
_Top = tuple[Int64, Int64]


@dataclass(frozen=True, slots=True, eq=False)
class Heard:
    """A recording: scores int8 (results, labels), the second at which each result is there, its length in seconds, and
    what is in it. Events of background labels are not among them."""

    scores: Scores
    seconds: Sequence[float]
    length: float
    events: tuple[Event, ...]


@dataclass(frozen=True, slots=True)
class Setting:
    """threshold in the output's unit; smoothing and refractory in results."""

    smoothing: int
    threshold: float
    refractory: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a setting gives: events found of `events`, false accepts in `hours`."""

    setting: Setting
    found: int
    events: int
    false_accepts: int
    hours: float

    @property
    def recall(self) -> float:
        return self.found / self.events

    @property
    def per_hour(self) -> float:
        return self.false_accepts / self.hours


def count_decisions(
    decisions: Sequence[tuple[float, str]], events: Sequence[Event], tolerance: float
) -> tuple[int, int]:
    """(events found, false accepts) of decisions, each a second and a label, both by rising time.

    An event is found by the first decision for its label from its start to `tolerance` seconds after its end; any
    decision that finds no event is a false accept, also a second one of the same event.
    """
    left, false = list(events), 0
    for second, label in decisions:
        fits = (e for e in left if e.label == label and e.start <= second <= e.end + tolerance)
        event = next(fits, None)
        if event is None:
            false += 1
        else:
            left.remove(event)
    return len(events) - len(left), false


def sweep(
    heard: Sequence[Heard],
    tensor: Tensor,
    labels: tuple[str, ...],
    background: tuple[str, ...],
    tolerance: float,
    seconds_per_result: float,
    window_seconds: float,
) -> tuple[Outcome, ...]:
    """The outcome of every setting in a small grid: smoothing over at most twice a window (or 3 results), rests of 0.5
    to 2 seconds, and the thresholds that scores reach, one for all labels. Raises TinygenError without events."""
    if not any(each.events for each in heard):
        raise TinygenError("there are no events of labels that can be decided for", "give recordings with labels")
    rests = sorted({max(1, round(seconds / seconds_per_result)) for seconds in _REST_SECONDS})
    smoothings = [n for n in _SMOOTHINGS if n <= max(3, 2 * window_seconds / seconds_per_result)]
    usable = np.array([name not in background for name in labels])
    outcomes: list[Outcome] = []
    for smoothing in smoothings:
        tops = [_top(each, smoothing, usable) for each in heard]
        for threshold in _thresholds([top for _, top in tops], smoothing, tensor):
            limit = sum_limit(threshold, smoothing, tensor)
            for rest in rests:
                setting = Setting(smoothing, threshold, rest)
                outcomes.append(_outcome(heard, tops, limit, setting, labels, tolerance))
    return tuple(outcomes)


def _top(heard: Heard, smoothing: int, usable: npt.NDArray[np.bool_]) -> _Top:
    """The label with the highest sum at each result from the smoothing-th on, and its sum."""
    if len(heard.scores) < smoothing:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    sums = smoothed_sums(heard.scores, smoothing)
    label = sums.argmax(1)
    return label, np.where(usable[label], sums[np.arange(len(sums)), label], _BELOW)


def _thresholds(tops: Sequence[Int64], smoothing: int, tensor: Tensor) -> list[float]:
    """Real values of which each changes something or lies between two that do: some of the sums that occur, so that
    there are many where the sums are, and steps of one size from the lowest on, that there are some where none are."""
    sums = np.unique(np.concatenate([top[top > _BELOW] for top in tops]))
    if not len(sums):
        return []
    picked = sums[np.linspace(0, len(sums) - 1, _THRESHOLDS).astype(int)]
    steps = np.linspace(-128 * smoothing, sums[-1], _THRESHOLDS).astype(int)
    return [_short(int(s), smoothing, tensor) for s in np.union1d(picked, steps)]


def _short(limit: int, smoothing: int, tensor: Tensor) -> float:
    """A threshold of few digits with this limit."""
    exact = (limit / smoothing - tensor.zero_point) * float(tensor.scale)
    below = (((limit - 0.5) / smoothing) - tensor.zero_point) * float(tensor.scale)
    tried = (float(f"{value:.{digits}g}") for digits in range(2, 17) for value in (exact, below))
    return next(value for value in tried if sum_limit(value, smoothing, tensor) == limit)


def _outcome(
    heard: Sequence[Heard],
    tops: Sequence[_Top],
    limit: int,
    setting: Setting,
    labels: tuple[str, ...],
    tolerance: float,
) -> Outcome:
    found = false = 0
    for each, (label, top) in zip(heard, tops, strict=True):
        fired = with_rests(top >= limit, setting.refractory)
        decisions = [(each.seconds[at + setting.smoothing - 1], labels[label[at]]) for at in fired]
        more = count_decisions(decisions, each.events, tolerance)
        found, false = found + more[0], false + more[1]
    hours = sum(each.length for each in heard) / 3600
    return Outcome(setting, found, sum(len(each.events) for each in heard), false, hours)


def frontier(outcomes: Sequence[Outcome]) -> tuple[Outcome, ...]:
    """Those that no other beats in both recall and false accepts, by rising false accepts; one of each kind."""
    best: list[Outcome] = []
    ordered = sorted(outcomes, key=lambda o: (o.false_accepts, -o.found))
    for _, same in groupby(ordered, key=lambda o: (o.false_accepts, o.found)):
        outcome = _middle(tuple(same))
        if not best or outcome.found > best[-1].found:
            best.append(outcome)
    return tuple(best)


def chosen(outcomes: Sequence[Outcome], false_accepts: float) -> Outcome:
    """The highest recall with at most so many false accepts an hour; raises TinygenError where nothing is found."""
    fits = [o for o in frontier(outcomes) if o.per_hour <= false_accepts and o.found]
    if not fits:
        least = min((o.per_hour for o in outcomes if o.found), default=None)
        said = "" if least is None else f"; the fewest with anything found are {least:.2f}"
        raise TinygenError(
            f"nothing is found with at most {false_accepts:g} false accepts an hour{said}",
            "allow more, train longer, or check that the labels fit the recording",
        )
    return fits[-1]


def _middle(same: Sequence[Outcome]) -> Outcome:
    """Of settings with one outcome the one with most room: the smoothing and rest for which thresholds lie furthest
    apart (of several what answers soonest), and there the threshold in the middle."""
    kinds: dict[tuple[int, int], list[Outcome]] = {}
    for o in same:
        kinds.setdefault((o.setting.smoothing, o.setting.refractory), []).append(o)
    _, kind = min((_threshold(alike) - _threshold(alike, -1), kind) for kind, alike in kinds.items())
    middle = (_threshold(kinds[kind]) + _threshold(kinds[kind], -1)) / 2
    return min(kinds[kind], key=lambda o: abs(o.setting.threshold - middle))


def _threshold(outcomes: Sequence[Outcome], place: int = 0) -> float:
    """The lowest threshold, or the one at another place in their order."""
    return sorted(o.setting.threshold for o in outcomes)[place]


def per_label(
    heard: Sequence[Heard], decisions: Sequence[Sequence[int]], labels: tuple[str, ...], tolerance: float
) -> Iterator[tuple[str, int, int, int]]:
    """For each label of an event or a decision: (label, found, events, false accepts)."""
    for number, name in enumerate(labels):
        events = found = false = 0
        for each, decided in zip(heard, decisions, strict=True):
            mine = [e for e in each.events if e.label == name]
            fired = [(each.seconds[at], name) for at, label in enumerate(decided) if label == number]
            more = count_decisions(fired, mine, tolerance)
            events, found, false = events + len(mine), found + more[0], false + more[1]
        if events or false:
            yield name, found, events, false
