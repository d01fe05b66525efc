"""bench/accuracy.json as docs/accuracy.md, and what must hold of it. No TensorFlow here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tinygen.load.arrays import write_atomically

REPOSITORY = Path(__file__).resolve().parents[2]
FIGURES = REPOSITORY / "bench" / "accuracy.json"
PAGE = REPOSITORY / "docs" / "accuracy.md"
MOST_LOSS = 0.3  # percent, the mean over the seeds
FEWEST_SEEDS = 5
MOST_MACS, MOST_PRUNED, MOST_INSTRUCTIONS = 0.6, 0.01, 0.7  # of the compressed model
# Student's t for a two-sided interval of 95 %, by the number of values
_T = {5: 2.776, 6: 2.571, 7: 2.447, 8: 2.365, 9: 2.306, 10: 2.262}
_HEAD = """# Accuracy

Written by `make accuracy` (it trains some thirty networks: an hour or so); the numbers of every seed lie in
`bench/accuracy.json`, and `make test` holds this page against them.

## Real data

Each network is trained once per seed, then quantized twice from the same samples (300 at most): by the TensorFlow
converter alone, and by tinygen's default. All three are judged on the same test samples, which neither training nor
calibration has seen; int8 runs in TensorFlow Lite Micro, which a board equals to the bit. Loss is float less int8 in
percentage points (of accuracy, or of the AUC of an autoencoder's error), the mean over the seeds with its 95 % interval
(Student's t over the seeds, paired: the same network, the same samples). Below 0 is a gain, by chance.

| task | data | seeds, test samples | measure | float | loss, converter alone | loss, tinygen | tinygen less converter |
|---|---|---|---|---|---|---|---|
"""
_HARD = """
## Models made hard on purpose

`tests/quantize/pairs.py` makes them; SQNR of the output against the float model on samples that nothing was chosen by,
and what `tinygen doctor` says of the cause.

| model | converter alone | tinygen | remedies | the doctor |
|---|---|---|---|---|
"""
_SMALL = """
## Fewer channels

`tinygen compress examples/kws/kws.h5 --data build/accuracy/kws.npz {arguments}`, fine-tuned on the 17,640 training
samples of the example, without labels; judged by {measure}. Instructions are exact, of an inference on
{board}.

| model | float | int8 | MACs | flash (constants) | arena (portable kernels) | instructions |
|---|---|---|---|---|---|---|
"""


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean and half the width of its 95 % interval, in percentage points."""

    mean: float
    half: float

    def __str__(self) -> str:
        return f"{self.mean:+.2f} ± {self.half:.2f} %"


def interval(parts: Sequence[float]) -> Interval:
    """Of differences between 0 and 1, one per seed."""
    values = 100 * np.asarray(parts)
    half = _T[len(values)] * values.std(ddof=1) / np.sqrt(len(values))
    return Interval(float(values.mean()), float(half))


def _compared(task: dict[str, Any], better: str, worse: str) -> Interval:
    return interval([row[better] - row[worse] for row in task["seeds"]])


def failures(found: dict[str, Any]) -> tuple[str, ...]:
    """What must hold and does not, a line each."""
    return tuple(_failures(found))


def _failures(found: dict[str, Any]) -> Iterator[str]:
    for name, task in found["tasks"].items():
        loss, gain = _compared(task, "float", "tinygen"), _compared(task, "tinygen", "plain")
        if len(task["seeds"]) < FEWEST_SEEDS:
            yield f"{name}: {len(task['seeds'])} seeds are too few"
        if loss.mean > MOST_LOSS:
            yield f"{name}: tinygen loses {loss}, more than {MOST_LOSS} %"
        if gain.mean + gain.half < 0:
            yield f"{name}: tinygen is below the converter by more than chance: {gain}"
    yield from _small_failures(found["compressed"])
    for model in found["hard"]:
        if not model["causes"]:
            yield f"{model['model']}: the doctor names no cause"


def _small_failures(found: dict[str, Any] | None) -> Iterator[str]:
    if found is None:
        return
    before, after = found["states"][0], found["states"][-1]
    if after["macs"] > MOST_MACS * before["macs"]:
        yield f"compressed: {after['macs'] / before['macs']:.0%} of the multiply-accumulates are left"
    if before["score"] - after["int8_score"] > MOST_PRUNED:
        yield f"compressed: int8 loses more than 1 % against the float model as it was: {after['int8_score']:.2%}"
    if found["instructions"][1] > MOST_INSTRUCTIONS * found["instructions"][0]:
        yield f"compressed: {found['instructions'][1] / found['instructions'][0]:.0%} of the instructions are left"


def page(found: dict[str, Any]) -> str:
    """docs/accuracy.md."""
    text = _HEAD + "".join(map(_row, found["tasks"].values())) + _HARD + "".join(map(_hard_row, found["hard"]))
    return text if found["compressed"] is None else text + _small(found["compressed"])


def _row(task: dict[str, Any]) -> str:
    rows = task["seeds"]
    cells = (
        task["title"],
        task["data"],
        f"{len(rows)}, {min(row['samples'] for row in rows):,}",
        task["measure"],
        f"{100 * np.mean([row['float'] for row in rows]):.2f} %",
        str(_compared(task, "float", "plain")),
        str(_compared(task, "float", "tinygen")),
        str(_compared(task, "tinygen", "plain")),
    )
    return f"| {' | '.join(cells)} |\n"


def _hard_row(model: dict[str, Any]) -> str:
    cells = (
        model["model"],
        f"{model['plain_db']:.1f} dB",
        f"{model['db']:.1f} dB",
        ", ".join(model["remedies"]),
        "; ".join(model["causes"]),
    )
    return f"| {' | '.join(cells)} |\n"


def _small(found: dict[str, Any]) -> str:
    words = {"arguments": " ".join(found["arguments"]), "measure": found["measure"], "board": found["board"]}
    text = _SMALL.format(**words)
    ends = (found["states"][0], found["states"][-1])
    for name, state, count in zip(("as it was", "compressed"), ends, found["instructions"], strict=True):
        costs = (state["macs"], state["const_bytes"], state["arena_bytes"], count)
        cells = (name, f"{state['score']:.2%}", f"{state['int8_score']:.2%}", *(f"{cost:,}" for cost in costs))
        text += f"| {' | '.join(cells)} |\n"
    layers = ", ".join(f"{x['layer']} {x['before']} to {x['after']}" for x in found["pruned"])
    return f"{text}\nChannels: {layers}.\n"


def write_page(text: str) -> None:
    """Write docs/accuracy.md."""
    write_atomically(PAGE, text.encode())
