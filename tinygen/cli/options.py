"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, wraps
from pathlib import Path
from typing import Any

import click

from tinygen.errors import TinygenError
from tinygen.load.keras_job import MOST_CALIBRATION_SAMPLES
from tinygen.plan.search import OPTIMIZE
from tinygen.render.arenas import arena_name
from tinygen.request import Request, make_request

Shape = tuple[str, tuple[int, ...]]

BOARD = click.option("-b", "--board", "board_name", required=True, metavar="BOARD", help="See `tinygen boards`.")
PORT = click.option(
    "-p",
    "--port",
    metavar="PORT",
    help="Serial port of the board: /dev/ttyUSB0, COM3, or any URL of pyserial's; default: found by USB.",
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


def part(context: click.Context, parameter: click.Parameter, value: str | None) -> float | None:
    """`0.5%` or `0.005` as 0.005; raises click.BadParameter."""
    if value is None:
        return None
    try:
        number = float(value.removesuffix("%")) / (100 if value.endswith("%") else 1)
    except ValueError:
        number = -1.0
    if not 0 <= number < 1:
        raise click.BadParameter(f"{value!r} is not a part like 0.5% or 0.005")
    return number


INPUT_SHAPE = click.option(
    "--input-shape",
    "input_shapes",
    type=_shape,
    multiple=True,
    metavar="SHAPE",
    help="Fix unknown dimensions: 1,49,10,1, or NAME=1,49,10,1 for each of several inputs.",
)
OPTIMIZED = click.option(
    "--optimize",
    type=click.Choice(OPTIMIZE),
    default="balanced",
    show_default=True,
    help="ram: the smallest arena, layers streamed in blocks of few rows. speed: the fewest kernel calls, each layer "
    "whole. balanced: 1 % more instructions only where it saves 4 % of the arena. size: as balanced, compiled "
    "for little flash. `tinygen plan --frontier` shows what each costs.",
)
TUNED = click.option(
    "--tune",
    metavar="FILE",
    help="What `tinygen tune` found (default: MODEL.tune.json beside MODEL, if it has the board and --optimize); "
    "`none`: plan as if nothing had been tuned.",
)
BY_ROWS = click.option(
    "--input",
    "taken",
    type=click.Choice(("whole", "rows")),
    default="whole",
    show_default=True,
    help="rows: the C takes its input row by row (NAME_push_row) and never holds all of it.",
)

HOP = click.option(
    "--hop",
    type=click.IntRange(min=1),
    metavar="N",
    help="Stream over time: the input's first axis is time, NAME_invoke() takes N new frames and keeps what it can of "
    "the rest; its result is that of the whole window.",
)


_DATA_HELP = (
    "Samples: .npz[:KEY], .npy, a .csv, a folder of images or of .wav files (subfolders are classes), or "
    "MODULE:FUNCTION of the current folder; options behind it: photos,scale=0..1 or imu.csv,hop=20,label=activity "
    "(docs/data.md)."
)
DATA = click.option("--data", metavar="DATA", help=f"{_DATA_HELP} Default: MODEL's stem + .npz.")
_CALIBRATION = click.option(
    "--calibration", metavar="DATA", help="Other samples to calibrate with than those of --data, as there."
)
CALIBRATION_SAMPLES = click.option(
    "--calibration-samples",
    type=click.IntRange(min=1, max=100_000),
    default=MOST_CALIBRATION_SAMPLES,
    show_default=True,
    metavar="N",
    help="Calibrate with at most N samples, of each class its part.",
)


def calibration_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """What a model is calibrated with beside --data: `calibration` and `calibration_samples`."""
    return _CALIBRATION(CALIBRATION_SAMPLES(command))


FEATURES = click.option(
    "--features",
    metavar="FILE",
    help="The table that says how samples become the model's input (default: MODEL.toml beside MODEL, if there is "
    "one); `none`: your application brings the input.",
)


# options that are called as the parameters of make_request
_SETTINGS = (
    *("input_shapes", "activations", "calibration", "calibration_samples"),
    *("optimize", "hop", "tune", "features"),
)


def model_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """MODEL, what it takes to make an int8 model of it, and how to plan it; the command gets one `request`."""
    return HOP(BY_ROWS(FEATURES(OPTIMIZED(TUNED(source_options(command))))))


def source_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """MODEL and what it takes to make an int8 model of it; the command gets them as one `request`."""

    @wraps(command)
    def with_request(model: Path, name: str | None, data: str | None, **given: Any) -> Any:
        rest, settings = _taken_apart(given)
        return command(request=make_request(model, name, data, **settings), **rest)

    options = (
        click.option("--name", metavar="NAME", help="The model's name in C (default: from the file)."),
        DATA,
        calibration_options,
        click.argument("model", type=click.Path(path_type=Path)),
    )
    return _decorated(with_request, options)


def models_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """As model_options, for one MODEL or several that share an arena; the command gets them as `requests`.

    Of several models, --name and --data are given once for each, in their order, or not at all.
    """

    @wraps(command)
    def with_requests(
        models: tuple[Path, ...],
        names: tuple[str, ...],
        data: tuple[str, ...],
        calibration: tuple[str, ...],
        **given: Any,
    ) -> Any:
        rest, settings = _taken_apart(given)
        if len(models) > 1:
            _need_common(settings)
        each = zip(
            models,
            _one_each("--name", names, models),
            _one_each("--data", data, models),
            _one_each("--calibration", calibration, models),
            strict=True,
        )
        requests = tuple(
            make_request(model, name, file, **settings, calibration=other) for model, name, file, other in each
        )
        _need_different_names(requests)
        return command(requests=requests, **rest)

    options = (
        click.option(
            "--name",
            "names",
            multiple=True,
            metavar="NAME",
            help="The model's name in C (default: from the file); of several MODELs once for each, in their order.",
        ),
        click.option(
            "--data",
            multiple=True,
            metavar="DATA",
            help=f"{_DATA_HELP} Default (-): MODEL's stem + .npz. Of several MODELs once for each.",
        ),
        click.option(
            "--calibration",
            multiple=True,
            metavar="DATA",
            help="Other samples to calibrate with than those of --data. Of several MODELs once for each, - for none.",
        ),
        CALIBRATION_SAMPLES,
        click.argument("models", type=click.Path(path_type=Path), nargs=-1, required=True, metavar="MODEL..."),
    )
    return HOP(BY_ROWS(FEATURES(OPTIMIZED(TUNED(_decorated(with_requests, options))))))


def _taken_apart(given: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """(what the command itself takes, what make_request takes, by the names of its parameters)."""
    settings = {name: given.pop(name) for name in _SETTINGS if name in given}
    if "taken" in given:
        settings["by_rows"] = given.pop("taken") == "rows"
    settings["input_shapes"] = dict(settings["input_shapes"])
    settings["allow_lambda"] = given.pop("unsafe_lambda")
    return given, settings


def _need_common(settings: dict[str, Any]) -> None:
    """Raise TinygenError for what only one model can be told."""
    if settings["tune"] not in (None, "none"):
        raise TinygenError("--tune is for one MODEL", "leave it out: MODEL.tune.json is found beside each", 2)
    if settings["features"] not in (None, "none"):
        raise TinygenError("--features is for one MODEL", "leave it out: MODEL.toml is found beside each", 2)
    if settings["input_shapes"]:
        raise TinygenError(
            "--input-shape is for one MODEL", "make int8 files first, with `tinygen quantize --input-shape`", 2
        )


def _one_each(option: str, values: tuple[str, ...], models: tuple[Path, ...]) -> tuple[str | None, ...]:
    """The option's value for every model, None where it was left out; raises TinygenError when some are missing."""
    if values and len(values) != len(models):
        raise TinygenError(
            f"{len(models)} models, but {len(values)} times {option}", f"give {option} once for each, in order", 2
        )
    return tuple(None if value == "-" else value for value in values) or (None,) * len(models)


def _need_different_names(requests: tuple[Request, ...]) -> None:
    names = [request.name for request in requests]
    libraries = [*names, *([arena_name(names)] if len(names) > 1 else [])]
    for name in names:
        if libraries.count(name) > 1:
            raise TinygenError(f"two libraries would be called '{name}'", "give another --name to each model", 2)


def _decorated(command: Callable[..., Any], options: tuple[Callable[..., Any], ...]) -> Callable[..., Any]:
    """The command with `options`, and with those that are the same for one model and several."""
    types_help = "What a Keras model computes with; int16 has int8 weights too (TFLite's 16x8 mode). Default: int8."
    common = (
        click.option("--activations", type=click.Choice(("int8", "int16")), default="int8", help=types_help),
        click.option("--unsafe-lambda", is_flag=True, help="Run Lambda layers: Python code out of the model file."),
        INPUT_SHAPE,
    )
    for option in (*common, *options):
        command = option(command)
    return command
