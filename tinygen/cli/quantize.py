"""`tinygen quantize`: the quantized .tflite that the other commands work with."""

from __future__ import annotations

import json
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from rich.table import Table

from tinygen.cli.options import JSON, part, source_options
from tinygen.cli.progress import OUT, Steps, quality_line, warn_of_random
from tinygen.errors import TinygenError
from tinygen.ir import Graph, Tensor
from tinygen.load.arrays import write_atomically
from tinygen.load.tflite import load_tflite
from tinygen.pipeline import quantized
from tinygen.request import Request
from tinygen.verify import verify

_EXAMPLES = (
    "Example: tinygen quantize kws.h5 -o kws_int8.tflite; tinygen quantize kws.h5 --target-drop 0.5%; "
    "tinygen quantize cats.keras --data photos,scale=0..1; "
    "tinygen quantize imu.keras --data imu.csv,hop=20,label=activity; "
    "tinygen quantize wake.keras --data prepare:samples"
)


@click.command(epilog=_EXAMPLES)
@click.option(
    "--target-drop",
    callback=part,
    metavar="PART",
    help="Give the layers that need it int16 activations, the cheapest set that loses at most PART of the accuracy "
    "(0.5% or 0.005) on the test samples.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="The int8 model (default: NAME_int8.tflite, or NAME_int16.tflite, in the current folder).",
)
@JSON
@source_options
def quantize(request: Request, target_drop: float | None, output: Path | None, as_json: bool) -> None:
    """Quantize MODEL to full int8: per-channel weights, int8 inputs and outputs.

    With --activations int16: weights stay int8, all else becomes int16.
    """
    if target_drop is not None and (request.is_tflite or request.activations != "int8" or request.data is None):
        raise TinygenError("--target-drop begins at int8 activations, of a Keras model with --data", "see --help", 2)
    kind = request.activations if target_drop is None else "mixed"
    path = output or Path(f"{request.name}_{kind}.tflite")
    steps = Steps()
    with steps.step(f"quantizing {request.model.name}"), tempfile.TemporaryDirectory(prefix="tinygen-") as folder:
        made = Path(folder) / "model.tflite"
        calibration, mixed = quantized(request, made, steps.update, target_drop)
        model = load_tflite(made, request.name)
        verify(model.graph)
        write_atomically(path, made.read_bytes())
    graph, quality = model.graph, calibration.quality
    warn_of_random(calibration)
    report = {
        "tflite": str(path),
        "model_sha256": model.sha256,
        "bytes": path.stat().st_size,
        "calibration": calibration.source,
        "calibration_samples": calibration.samples,
        "random_calibration": calibration.random,
        "coverage": None if calibration.coverage is None else asdict(calibration.coverage),
        "recurrent": list(calibration.recurrent),
        "mixed": mixed,
        "quality": None if quality is None else asdict(quality),
        "inputs": [_describe(graph.tensors[i]) for i in graph.inputs],
        "outputs": [_describe(graph.tensors[i]) for i in graph.outputs],
    }
    if as_json:
        click.echo(json.dumps(report, indent=2))
    else:
        OUT.print(f"{path}: {path.stat().st_size:,} bytes, calibrated on {calibration.source}", markup=False)
        if calibration.coverage is not None:
            OUT.print(f"calibrated with {calibration.coverage.text}", markup=False)
        if quality is not None:
            OUT.print(quality_line(quality))
        if mixed is not None:
            _print_search(graph, mixed)
    if mixed is not None and not mixed["met"]:
        sys.exit(1)


def _print_search(graph: Graph, mixed: dict[str, Any]) -> None:
    """Each assignment that was tried, with what it costs."""
    table = Table(title=mixed["measure"])
    for header in ("layers in int16", "drop", "arena", "constants", "instructions (estimated)", ""):
        table.add_column(header, justify="left" if header in ("layers in int16", "") else "right")
    for step in (*mixed["steps"], mixed["all_int16"]):
        layers = ", ".join(map(str, step["layers"])) or "none"
        if step == mixed["all_int16"]:
            layers = "all that can be"
        figures = (f"{step['arena_bytes']:,}", f"{step['const_bytes']:,}", f"{step['instructions']:,}")
        table.add_row(layers, f"{step['drop']:.2%}", *figures, "chosen" if step == mixed["chosen"] else "")
    OUT.print(table)
    if not mixed["met"]:
        OUT.print("the target is not met, with every layer in int16 neither: see `tinygen doctor MODEL`")


def _describe(tensor: Tensor) -> dict[str, object]:
    return {
        "name": tensor.name,
        "shape": list(tensor.shape),
        "dtype": tensor.dtype.value,
        "scale": tensor.scale,
        "zero_point": tensor.zero_point,
    }
