"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, wraps
from pathlib import Path
from typing import Any

import click

from tinygen.pipeline import make_request
from tinygen.plan.search import OPTIMIZE

Shape = tuple[str, tuple[int, ...]]

BOARD = click.option("-b", "--board", "board_name", required=True, metavar="BOARD", help="See `tinygen boards`.")
PORT = click.option(
    "-p", "--port", metavar="PORT", help="Serial port of the board: /dev/ttyUSB0, COM3, or any pyserial URL."
)
JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON on stdout (keys in docs/SPEC.md).")
_PROJECT = partial(
    click.option,
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="The project folder (default: NAME-BOARD in the current folder).",
)
PROJECT = _PROJECT("-o", "--output", "project")
PROJECT_SHORT = _PROJECT("-o", "project")  # for a command whose --output is something else


def _shape(value: str) -> Shape:
    """`1,49,10,1` or `NAME=1,49,10,1`; raises click.BadParameter."""
    name, _, numbers = value.rpartition("=")
    try:
        shape = tuple(int(n) for n in numbers.split(","))
    except ValueError:
        shape = ()
    if not shape or min(shape) < 1:
        raise click.BadParameter(f"{value!r} is not a shape like 1,49,10,1 or NAME=1,49,10,1")
    return name, shape


OPTIMIZED = click.option(
    "--optimize",
    type=click.Choice(OPTIMIZE),
    default="balanced",
    show_default=True,
    help="ram: the smallest arena, layers streamed in blocks of few rows. speed: the fewest kernel calls, each layer "
    "whole. balanced: 1 % more instructions only where it saves 4 % of the arena. size: as balanced, compiled "
    "for little flash. `tinygen plan --frontier` shows what each costs.",
)
BY_ROWS = click.option(
    "--input",
    "taken",
    type=click.Choice(("whole", "rows")),
    default="whole",
    show_default=True,
    help="rows: the C takes its input row by row (NAME_push_row) and never holds all of it.",
)


def model_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """MODEL, what it takes to make an int8 model of it, and how to plan it; the command gets one `request`."""
    return BY_ROWS(OPTIMIZED(source_options(command)))


def source_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """MODEL and what it takes to make an int8 model of it; the command gets them as one `request`."""

    @wraps(command)
    def with_request(
        model: Path,
        name: str | None,
        data: str | None,
        input_shapes: tuple[Shape, ...],
        unsafe_lambda: bool,
        activations: str,
        optimize: str = "balanced",
        taken: str = "whole",
        **rest: Any,
    ) -> Any:
        shapes = dict(input_shapes)
        request = make_request(model, name, data, shapes, unsafe_lambda, optimize, taken == "rows", activations)
        return command(request=request, **rest)

    shape_help = "Fix unknown dimensions: 1,49,10,1, or NAME=1,49,10,1 for each of several inputs."
    types_help = "What a Keras model computes with; int16 has int8 weights too (TFLite's 16x8 mode). Default: int8."
    options = (
        click.option("--activations", type=click.Choice(("int8", "int16")), default="int8", help=types_help),
        click.option("--unsafe-lambda", is_flag=True, help="Run Lambda layers: Python code out of the model file."),
        click.option("--input-shape", "input_shapes", type=_shape, multiple=True, metavar="SHAPE", help=shape_help),
        click.option("--name", metavar="NAME", help="The model's name in C (default: from the file)."),
        click.option("--data", metavar="FILE[:KEY]", help="Samples, .npz or .npy; default: MODEL's stem + .npz."),
        click.argument("model", type=click.Path(path_type=Path)),
    )
    decorated: Callable[..., Any] = with_request
    for option in options:
        decorated = option(decorated)
    return decorated
