"""`tinygen compress`: a Keras model with fewer channels, fewer multiplications or fewer different weights."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click
from rich.table import Table

from tinygen.cli.options import INPUT_SHAPE, JSON, Shape, part
from tinygen.cli.progress import ERR, OUT, Steps
from tinygen.compress.client import Compressed
from tinygen.compress.client import compress as compress_model
from tinygen.compress.job import CompressJob, Palette, State
from tinygen.errors import ReportedError, TinygenError
from tinygen.request import make_request

_STEPS = 2500


@click.command(
    epilog="Examples: tinygen compress kws.h5 --data train.npz --macs 60% -o small.keras; "
    "tinygen compress kws.h5 --data train.npz --max-drop 1% -o small.keras"
)
@click.argument("model", type=click.Path(path_type=Path))
@click.option(
    "--data",
    metavar="FILE[:KEY]",
    help="Samples: x_calibration to fine-tune with, all of it (the more the better, no labels needed), x_test to judge "
    "with; default: MODEL's stem + .npz. Without data nothing is fine-tuned or judged.",
)
@click.option(
    "--macs", callback=part, metavar="PART", help="Remove channels until PART of the multiplications is left."
)
@click.option(
    "--max-drop",
    callback=part,
    metavar="PART",
    help="Remove channels as long as the int8 model loses at most PART (1% or 0.01) of its score on the test samples.",
)
@click.option(
    "--low-rank",
    callback=part,
    metavar="PART",
    help="Make two Dense layers of one where that is fewer MACs; PART (99%) of the kernel's squared singular "
    "values stays.",
)
@click.option(
    "--cluster",
    type=click.IntRange(2, 256),
    metavar="N",
    help="At most N different weights per tensor. It wins no flash with tinygen; what gzip makes of the model gets "
    "some percent smaller.",
)
@click.option(
    "--steps",
    type=click.IntRange(0),
    default=_STEPS,
    show_default=True,
    help="Batches of 64 of fine-tuning after each change, towards the outputs of MODEL; 0: none.",
)
@click.option("--unsafe-lambda", is_flag=True, help="Run Lambda layers: Python code out of the model file.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="The smaller model, .keras or .h5 (default: STEM_small.keras in the current folder).",
)
@INPUT_SHAPE
@JSON
def compress(
    model: Path,
    data: str | None,
    macs: float | None,
    max_drop: float | None,
    low_rank: float | None,
    cluster: int | None,
    steps: int,
    unsafe_lambda: bool,
    output: Path | None,
    input_shapes: tuple[Shape, ...],
    as_json: bool,
) -> None:
    """Make a smaller MODEL, a Keras file again, for all other commands.

    Channels are really removed, those first that add least; then the model is trained towards its own outputs of
    before. Each step shows what it costs and wins, of the int8 model: accuracy, multiplications, flash, arena. Exits
    with 1 if a target is not met; FILE has the best model then.
    """
    if model.suffix == ".tflite":
        raise TinygenError(f"{model} is quantized already", "give the .keras or .h5 file it was made of", 2)
    if macs is None and max_drop is None and low_rank is None and cluster is None:
        raise TinygenError("nothing to do", "give --macs, --max-drop, --low-rank or --cluster", 2)
    path = output or Path(f"{model.stem}_small.keras")
    if path.suffix not in (".keras", ".h5"):
        raise TinygenError(f"{path} is neither .keras nor .h5", "choose another -o", 2)
    request = make_request(model, None, data, dict(input_shapes), unsafe_lambda)
    if max_drop is not None and request.data is None:
        raise TinygenError("--max-drop needs samples to judge with", "give --data FILE", 2)
    job = CompressJob(
        str(model),
        request.data,
        request.input_shapes,
        unsafe_lambda,
        path.suffix,
        macs,
        max_drop,
        low_rank,
        cluster,
        steps if request.data is not None else 0,
    )
    show = Steps()
    with show.step(f"compressing {model.name}"):
        result = compress_model(job, path, show.update)
    if request.data is None:
        ERR.print("there was no --data: nothing was fine-tuned, and how good it is is not known", style="bold yellow")
    if as_json:
        click.echo(json.dumps({"model": model.stem, "output": str(path), **asdict(result)}, indent=2))
    else:
        _print(path, result)
    if not result.met:
        text = f"the target is not met; {path} is the best that was found"
        raise ReportedError(text, "give more data, more --steps, or a softer target")


def _print(path: Path, result: Compressed) -> None:
    table = Table(title=result.measure)
    for header in ("model", "float", "int8", "MACs", "flash (constants)", "arena", "instructions (estimated)"):
        table.add_column(header, justify="left" if header == "model" else "right")
    for state in result.states:
        table.add_row(state.step, *_cells(state, result.states[0]))
    OUT.print(table)
    for layer in result.pruned:
        OUT.print(f"{layer.layer}: {layer.before} -> {layer.after} channels")
    for layer in result.low_rank:
        OUT.print(f"{layer.layer}: two layers of rank {layer.after} (of {layer.before})")
    if result.palette is not None:
        OUT.print(palette_line(result.palette))
    OUT.print(f"{path}: {path.stat().st_size:,} bytes")


def _cells(now: State, before: State) -> tuple[str, ...]:
    scores = ("-" if score is None else f"{score:.2%}" for score in (now.score, now.int8_score))
    costs = (
        (now.macs, before.macs),
        (now.const_bytes, before.const_bytes),
        (now.arena_bytes, before.arena_bytes),
        (now.instructions, before.instructions),
    )
    return (*scores, *(f"{a:,}" if now is before else f"{a:,} ({a / max(b, 1):.0%})" for a, b in costs))


def palette_line(palette: Palette) -> str:
    """What clustering wins, in words."""
    text = f"{palette.weights:,} weights in {palette.tensors} tensors have at most {palette.clusters} values each"
    if palette.palette_bytes >= palette.int8_bytes:
        return f"{text}: wins nothing in flash, a palette would take {palette.palette_bytes:,} bytes as well"
    return (
        f"{text}: wins nothing in flash here, int8 weights take {palette.int8_bytes:,} bytes as before; palettes would "
        f"take {palette.palette_bytes:,}, but no kernel here reads them"
    )
