"""`tinygen features`: recordings to the features that a device makes of them."""

from __future__ import annotations

import io
import json
from pathlib import Path

import click
import numpy as np

from tinygen.cli.options import JSON
from tinygen.cli.progress import OUT
from tinygen.errors import TinygenError
from tinygen.features import compute, load_definition
from tinygen.features.recordings import read_samples
from tinygen.load.arrays import write_atomically


@click.command(epilog="Example: tinygen features kws.toml yes.wav -o yes.npy")
@click.argument("table", type=click.Path(path_type=Path))
@click.argument("recording", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Where the features go, .npy of float32; without it only a summary is printed.",
)
@JSON
def features(table: Path, recording: Path, output: Path | None, as_json: bool) -> None:
    """Compute the features of RECORDING (.wav, or .npy of int16) as TABLE says, to the bit as the device does.

    In a training script, `tinygen.features.compute` does the same for many recordings at once.
    """
    definition = load_definition(table)
    made = compute(read_samples(recording, definition), definition)
    if output is not None:
        if output.suffix != ".npy":
            raise TinygenError(f"{output} is no .npy file", f"-o {output.stem}.npy", 2)
        content = io.BytesIO()
        np.save(content, made)
        write_atomically(output, content.getvalue())
    low, mean, high = (float(f(made)) for f in (np.min, np.mean, np.max))
    if as_json:
        report = {"kind": definition.kind, "shape": list(made.shape), "min": low, "mean": mean, "max": high}
        click.echo(json.dumps({**report, "output": None if output is None else str(output)}))
        return
    *_, frames, count = made.shape
    OUT.print(f"{definition.kind}: {frames} frames of {count} features, {low:.3f} to {high:.3f}, mean {mean:.3f}")
    if output is not None:
        OUT.print(f"{output}: {made.shape} float32")
