"""The child process that compresses a Keras model: `python -m tinygen.compress.worker JOB.json`.

Place in the flow: started by client.py in a private folder, speaks as load/worker.py does. The steps: pruning in
rounds, low rank, clustering; each is followed by fine-tuning (but clustering, which that would undo) and measured by
states.py.
"""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tinygen.compress.job import SMALL_STEM, CompressJob, Narrowed
from tinygen.compress.states import Bench, copied
from tinygen.errors import TinygenError
from tinygen.load.channel import Channel, leave, serve
from tinygen.load.keras_file import prepare
from tinygen.load.keras_tfmot import is_wrapped

_ROUND = 0.75  # the part of the multiply-accumulates that one round of pruning leaves at least
_NEARLY = 1.02  # of the target: channels go by fours
_MOST_ROUNDS = 12


def run(job: CompressJob, channel: Channel) -> dict[str, object]:
    """Do a job; the RESULT to send. The model goes to the current folder. Raises TinygenError."""
    path = Path(job.model)
    channel.progress(f"checking {path.name}")
    file = prepare(path, Path.cwd(), job.allow_lambda)
    if file.kind == "SavedModel":
        raise TinygenError(
            f"{path.name} is a SavedModel, whose layers cannot be changed", "give the .keras or .h5 file"
        )
    if is_wrapped(file):
        raise TinygenError(f"{path.name} is wrapped for training by tfmot", "take that off first, or before training")
    channel.progress("starting TensorFlow")
    import keras

    from tinygen.load.keras_model import load_keras, own_functions

    loaded = load_keras(file, job.allow_lambda)
    with own_functions():
        if isinstance(loaded, keras.Sequential):
            loaded = keras.Model(loaded.inputs, loaded.outputs, name=loaded.name)
        bench = Bench.of(job, channel, loaded)
        bench.note(loaded, "float")
        small, found = _compressed(bench)
        small.save(f"{SMALL_STEM}{job.suffix}")
    measure = None if bench.scores is None else bench.scores.measure
    return {"measure": measure, "states": [asdict(state) for state in bench.states], **found}


def _compressed(bench: Bench) -> tuple[Any, dict[str, object]]:
    """The model in the end, and what was done to it, as it stands in the RESULT."""
    job, small = bench.job, bench.large
    pruned: tuple[Narrowed, ...] = ()
    low_rank: tuple[Narrowed, ...] = ()
    palette, met = None, True
    if job.macs is not None or job.max_drop is not None:
        small, met = _pruned(bench)
        pruned = tuple(_narrowed(bench.large, small))
    if job.energy is not None:
        from tinygen.compress.lowrank import factorised

        small, low_rank = factorised(small, job.energy)
        if low_rank:
            bench.tune(small, "low-rank")
        bench.note(small, "low-rank")
    if job.clusters is not None:
        from tinygen.compress.cluster import clustered

        small = copied(small)
        palette = clustered(small, job.clusters)
        bench.note(small, "clustered")
    found: dict[str, object] = {
        "pruned": [asdict(layer) for layer in pruned],
        "low_rank": [asdict(layer) for layer in low_rank],
        "palette": None if palette is None else asdict(palette),
        "met": met,
    }
    return small, found


def _pruned(bench: Bench) -> tuple[Any, bool]:
    """The smallest model that keeps the accuracy, or has the part of the multiply-accumulates that is wanted; and
    whether the targets are met."""
    from tinygen.compress.prune import pruned

    job, before = bench.job, bench.states[0]
    target = before.macs * (job.macs or 0.0)
    small, part = bench.large, 1.0
    for _ in range(_MOST_ROUNDS):
        now = before.macs * part
        aim = max(target, now * _ROUND)
        if aim * (1 - _ROUND / 2) < target:  # no round for a crumb behind it
            aim = target
        tried, lost = pruned(small, aim / now)
        if not lost:
            break
        bench.tune(tried, "pruned")
        state = bench.note(tried, "pruned")
        if job.max_drop is not None and _drop(before.int8_score, state.int8_score) > job.max_drop:
            return small, job.macs is None and small is not bench.large
        small, part = tried, state.macs / before.macs
        if state.macs <= target * _NEARLY:
            break
    reached = job.macs is None or before.macs * part <= target * _NEARLY
    return small, reached and small is not bench.large


def _drop(before: float | None, after: float | None) -> float:
    assert before is not None
    assert after is not None
    return before - after


def _narrowed(large: Any, small: Any) -> list[Narrowed]:
    """The layers whose filters or units became fewer."""
    found = []
    for old, new in zip(large.layers, small.layers, strict=True):
        for key in ("filters", "units"):
            before, after = (int(getattr(layer, key, 0)) for layer in (old, new))
            if before != after:
                found.append(Narrowed(old.name, before, after))
    return found


if __name__ == "__main__":
    leave(serve(sys.argv[1], lambda text, channel: run(CompressJob.from_json(text), channel)))
