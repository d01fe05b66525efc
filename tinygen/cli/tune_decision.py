"""`tinygen tune-decision`: smoothing, threshold and time of rest for a wanted number of false accepts an hour."""

from __future__ import annotations

import json
from pathlib import Path

import click
import numpy as np

from tinygen.cli.options import JSON, model_options
from tinygen.cli.progress import OUT, Steps
from tinygen.decision.decider import DecisionTable, decide, decision_table, make_decider
from tinygen.decision.events import read_events
from tinygen.decision.rewrite import with_decision
from tinygen.decision.tradeoff import Heard, chosen, frontier, per_label, sweep
from tinygen.errors import TinygenError
from tinygen.features.definition import load_table
from tinygen.features.recordings import read_samples
from tinygen.load.arrays import write_atomically
from tinygen.pipeline import Compiled, compile_model
from tinygen.play import due_frames, expected_results, result_seconds, windows_of
from tinygen.report.tradeoff import TradeOff, tradeoff_json, tradeoff_page, tradeoff_svg, tradeoff_text
from tinygen.request import Request

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command(
    "tune-decision",
    epilog="Example: tinygen tune-decision kws.h5 --recording room.wav --labels room.csv --false-accepts 0.5",
)
@click.option(
    "--recording",
    "recordings",
    multiple=True,
    required=True,
    type=_FILE,
    metavar="FILE",
    help=".wav of 16 bits or .npy of int16, with everything that the device will hear; several times for several.",
)
@click.option(
    "--labels",
    "lists",
    multiple=True,
    type=_FILE,
    metavar="FILE",
    help="What is in it: a CSV of start,end,label in seconds, once for each recording (default: its name with .csv).",
)
@click.option(
    "--false-accepts",
    type=click.FloatRange(min=0),
    default=0.5,
    show_default=True,
    metavar="N",
    help="How many decisions an hour may be wrong.",
)
@click.option(
    "--tolerance",
    type=click.FloatRange(min=0),
    default=1.0,
    show_default=True,
    metavar="SECONDS",
    help="How long after its end an event still counts as found.",
)
@click.option(
    "--background",
    multiple=True,
    metavar="LABEL",
    help="A label that is never decided for (default: those of the table).",
)
@click.option(
    "-o",
    "--output",
    type=_FILE,
    metavar="FILE",
    help="What to write (default: MODEL's table, the rest of which stays).",
)
@click.option("--svg", type=_FILE, metavar="FILE", help="Write the trade-off curve as a picture.")
@click.option("--html", type=_FILE, metavar="FILE", help="Write a page with the curve and all figures.")
@JSON
@model_options
def tune_decision(
    request: Request,
    recordings: tuple[Path, ...],
    lists: tuple[Path, ...],
    false_accepts: float,
    tolerance: float,
    background: tuple[str, ...],
    output: Path | None,
    svg: Path | None,
    html: Path | None,
    as_json: bool,
) -> None:
    """Choose how scores of MODEL become decisions, on labelled recordings, and write it into the table [decision].

    Tries thresholds, smoothings and times of rest with the numpy pipeline, which is the device to the bit, and takes
    what finds most events with at most so many false accepts an hour. Use recordings that MODEL was not trained on.
    """
    if lists and len(lists) != len(recordings):
        raise TinygenError(f"{len(recordings)} recordings, but {len(lists)} times --labels", "give one for each", 2)
    if request.features is None:
        raise TinygenError(f"{request.name} has no front end", f"write {request.model.stem}.toml (docs/features.md)")
    steps = Steps()
    with steps.step(f"preparing {request.model.name}"):
        compiled = compile_model(request, None, steps.update)
    table = _table(request.features, background)
    graph = compiled.plan.program.graph
    tensor = graph.tensors[graph.outputs[0]]
    decider = make_decider(table, tensor, compiled.labels)
    with steps.step("running the int8 reference"):
        heard = []
        for number, path in enumerate(recordings):
            steps.update(f"running the int8 reference on {path.name}")
            events = lists[number] if lists else path.with_suffix(".csv")
            heard.append(_heard(compiled, path, events, decider.labels, table.background))
    with steps.step("trying settings"):
        front = compiled.plan.features
        assert front is not None
        d = front.definition
        each, window = front.stride * d.hop / d.rate, front.window * d.hop / d.rate
        outcomes = sweep(heard, tensor, decider.labels, table.background, tolerance, each, window)
    best = chosen(outcomes, false_accepts)
    s = best.setting
    made = DecisionTable(s.smoothing, (s.threshold,), s.refractory, table.background, table.labels)
    fixed = make_decider(made, tensor, compiled.labels)
    shares = tuple(per_label(heard, [decide(h.scores, fixed) for h in heard], fixed.labels, tolerance))
    found = TradeOff(request.name, false_accepts, frontier(outcomes), best, shares)
    target = output or request.features
    text = with_decision(request.features.read_text(encoding="utf-8"), made)
    write_atomically(target, text.encode())
    if svg is not None:
        write_atomically(svg, tradeoff_svg(found).encode())
    if html is not None:
        write_atomically(html, tradeoff_page(found))
    if as_json:
        click.echo(json.dumps({"model": request.name, "file": str(target), **tradeoff_json(found)}, indent=2))
        return
    click.echo(tradeoff_text(found))
    for written in (svg, html, target):
        if written is not None:
            OUT.print(f"written: {written}", markup=False)


def _table(path: Path, background: tuple[str, ...]) -> DecisionTable:
    """The table as it is, with another background if that was given."""
    table = decision_table(load_table(path)[1].get("decision", {}))
    return DecisionTable(1, (0.5,), 0, background or table.background, table.labels)


def _heard(compiled: Compiled, path: Path, events: Path, labels: tuple[str, ...], background: tuple[str, ...]) -> Heard:
    plan = compiled.plan
    front = plan.features
    assert front is not None
    d = front.definition
    samples = read_samples(path, d)
    if samples.ndim != (1 if d.channels == 1 else 2):
        raise TinygenError(f"{path} has several recordings", "give each in a file of its own")
    length = len(samples) / d.rate
    found = read_events(events, length)
    for event in found:
        if event.label not in labels:
            raise TinygenError(
                f"{events}: '{event.label}' is no label of the model", f"it has {', '.join(labels)[:200]}"
            )
    if not due_frames(front, 1 + (len(samples) - d.window) // d.hop):
        raise TinygenError(f"{path} is too short for one result", "give a longer recording")
    results = expected_results(plan, windows_of(front, samples))
    scores = np.stack([outputs[0].reshape(-1) for outputs in results])
    usable = tuple(event for event in found if event.label not in background)
    return Heard(scores, result_seconds(front, len(samples)), length, usable)
