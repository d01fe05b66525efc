"""The line from a model file to a plan, and to a project on disk: what the commands have in common.

Place in the flow: cli/ calls it; it calls load/, passes/, kernels.py, plan/, render/ and project.py in order.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from tinygen import __version__
from tinygen.boards import Board
from tinygen.errors import TinygenError
from tinygen.ir import Graph
from tinygen.kernels import build_program
from tinygen.kernelsets import Target
from tinygen.load.data import find_data, load_data
from tinygen.load.keras_job import MOST_CALIBRATION_SAMPLES, Quality
from tinygen.load.settle import settled
from tinygen.load.spec import parse_spec
from tinygen.load.subset import Coverage
from tinygen.load.tflite import Model, load_tflite
from tinygen.load.worker_client import QuantizeResult, quantize_model
from tinygen.passes import run_passes
from tinygen.plan import Plan, make_plan
from tinygen.platformio import platform_spec
from tinygen.project import write_project
from tinygen.regions import Region
from tinygen.render import Files
from tinygen.render.arenas import arena_files, shared_arena
from tinygen.render.model import library_files
from tinygen.render.names import c_name
from tinygen.render.project import DEFAULT_TESTER, ProjectModel, Tester, project_files
from tinygen.tuned import Tuned, find_tuned
from tinygen.verify import verify

Progress = Callable[[str], None]

# of 64 KB: what lies before them or is in flash of the framework (vectors, tables of pins) takes a few hundred bytes
_NEAR_BYTES = 64000


@dataclass(frozen=True, slots=True)
class Request:
    """What the user asked for. `data` is for load_data; input_shapes by input name ("" for the only input).

    `calibration`: other samples to calibrate with than those of `data`, at most `calibration_samples` of either.

    `optimize` is one of plan.search.OPTIMIZE.
    `activations`: what a Keras model is quantized to, "int8" or "int16" (with int8 weights).
    `hop`: stream over time, so many new frames with each inference.
    `tune`: a file that `tinygen tune` wrote, None for the one beside the model, "none" for no tuning.
    """

    model: Path
    name: str
    data: str | None
    input_shapes: dict[str, tuple[int, ...]]
    allow_lambda: bool
    optimize: str = "balanced"
    by_rows: bool = False
    activations: str = "int8"
    hop: int | None = None
    tune: str | None = None
    calibration: str | None = None
    calibration_samples: int = MOST_CALIBRATION_SAMPLES

    @property
    def is_tflite(self) -> bool:
        return self.model.suffix == ".tflite"


@dataclass(frozen=True, slots=True)
class Calibration:
    """How an int8 model came about: from which samples, or on random input, or as the file was given.

    `recurrent`: a line for each recurrent layer that was rebuilt, e.g. "layer 'lstm': unrolled over 49 steps".
    `quality`: what was won over the converter's own quantization. `coverage`: what the samples hold of those given.
    """

    source: str
    samples: int
    random: bool
    recurrent: tuple[str, ...] = ()
    quality: Quality | None = None
    coverage: Coverage | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Compiled:
    """A model ready to be rendered; `tflite` is the int8 file's content, `tuned` what planned it, if anything did."""

    request: Request
    tflite: bytes
    model: Model
    plan: Plan
    labels: tuple[str, ...]
    calibration: Calibration
    tuned: Tuned | None = None


def make_request(
    model: Path,
    name: str | None,
    data: str | None,
    input_shapes: dict[str, tuple[int, ...]],
    allow_lambda: bool,
    optimize: str = "balanced",
    by_rows: bool = False,
    activations: str = "int8",
    hop: int | None = None,
    tune: str | None = None,
    calibration: str | None = None,
    calibration_samples: int = MOST_CALIBRATION_SAMPLES,
) -> Request:
    """Fill in what was left out: the name from the file, the data file that lies beside the model."""
    if tune not in (None, "none") and (by_rows or hop is not None):
        raise TinygenError("what was tuned is for whole inputs", "leave out --tune, or --input rows and --hop", 2)
    if not model.exists():
        raise TinygenError(f"there is no file {model}", "check the path")
    if model.suffix == ".tflite" and activations != "int8":
        raise TinygenError(f"{model} is quantized already", "--activations is for Keras models and SavedModels")
    beside = find_data(model)
    if data is None and beside is not None:
        data = str(beside)
    data, calibration = (None if text is None else settled(text, model) for text in (data, calibration))
    return Request(
        model=model,
        name=c_name(name or model.stem),
        data=data,
        input_shapes=input_shapes,
        allow_lambda=allow_lambda,
        optimize=optimize,
        by_rows=by_rows,
        activations=activations,
        hop=hop,
        tune=tune,
        calibration=calibration,
        calibration_samples=calibration_samples,
    )


def compile_model(
    request: Request,
    project: Path | None,
    progress: Progress,
    kernels: str = "portable",
    regions: Sequence[Region] = (),
    board_name: str = "",
) -> Compiled:
    """Load, quantize if needed, import, verify, rewrite and plan.

    An int8 model that an earlier build kept in `project` is used again when it was made from the same files
    with the same options. regions: the board's memories for arenas. board_name: whose tuning is taken, if there is any
    and the input comes whole; a board with regions has none. Raises TinygenError.
    """
    identity = _identity(request)
    kept = None if project is None else _kept(project, request.name, identity)
    with tempfile.TemporaryDirectory(prefix="tinygen-") as folder:
        path = Path(folder) / f"{request.name}.tflite"
        if kept is not None and not request.is_tflite:
            path.write_bytes(kept[0])
            calibration = kept[1]
        else:
            calibration, _ = quantized(request, path, progress)
        progress("planning")
        model = load_tflite(path, request.name)
        tuned = None
        if board_name and not (request.by_rows or request.hop or regions):
            tuned = find_tuned(request.model, request.tune, model.sha256, board_name, request.optimize)
        if tuned is not None:
            progress(f"planning as it was tuned for {board_name}")
        target = Target(kernels, request.optimize, tuned.kernels if tuned else ())
        program = build_program(run_passes(verify(model.graph)), target)
        schedule = tuned.schedule if tuned else ()
        plan = make_plan(program, request.optimize, request.by_rows, regions, request.hop, schedule)
        tflite = path.read_bytes()
    return Compiled(request, tflite, model, plan, _labels(request, model), calibration, tuned)


def libraries_of(models: Sequence[Compiled]) -> dict[str, Files]:
    """The C libraries by the names of their folders: one per model, and behind them that of the arena they share."""
    arena = shared_arena([c.plan for c in models]) if len(models) > 1 else None
    libraries = {c.request.name: library_files(c.plan, c.model.sha256, c.labels, arena) for c in models}
    return {**libraries, arena.name: arena_files(arena)} if arena else libraries


def project_model(compiled: Compiled) -> ProjectModel:
    """A compiled model as the renderer of projects takes it."""
    return ProjectModel(compiled.plan, compiled.model.sha256, compiled.labels, not compiled.request.is_tflite)


def write_board_project(
    models: Sequence[Compiled], board: Board, folder: Path, tester: Tester = DEFAULT_TESTER
) -> None:
    """Write the complete PlatformIO project of compiled models, one or more; raises TinygenError."""
    _need_near_constants(models, board)
    files = project_files([project_model(c) for c in models], libraries_of(models), board, platform_spec(board), tester)
    records, kept = {}, {}
    for compiled in models:
        name, calibration = compiled.request.name, asdict(compiled.calibration)
        sha256 = compiled.model.sha256
        records[name] = {
            **_identity(compiled.request),
            "model_sha256": sha256,
            "calibration": calibration,
            "optimize": compiled.request.optimize,
            "by_rows": compiled.request.by_rows,
            "hop": compiled.request.hop,
        }
        kept[f"{name}.tflite"] = compiled.tflite
    kept["build.json"] = (json.dumps(records, indent=2) + "\n").encode()
    write_project(folder, replace(files, generated={**files.generated, "model": kept}))


def _need_near_constants(models: Sequence[Compiled], board: Board) -> None:
    """Raise where an AVR could not reach all constants: kernels read flash by pointers of 16 bits."""
    constants = sum(compiled.plan.program.const_bytes for compiled in models)
    if board.core == "avr" and constants > _NEAR_BYTES:
        raise TinygenError(
            f"the constants have {constants:,} bytes; on an AVR kernels reach {_NEAR_BYTES:,}, whatever its flash",
            "take a smaller model or a board with another core (`tinygen boards`)",
        )


def quantize_request(
    request: Request,
    path: Path,
    progress: Progress,
    diagnose: bool = False,
    target_drop: float | None = None,
    robustness: bool = False,
) -> QuantizeResult:
    """The int8 .tflite of a Keras model at `path`; quantize_model says what the last three do. Raises TinygenError."""
    return quantize_model(
        request.model,
        path,
        data=request.data,
        input_shapes=request.input_shapes,
        allow_lambda=request.allow_lambda,
        activations=request.activations,
        calibration=request.calibration,
        calibration_samples=request.calibration_samples,
        diagnose=diagnose,
        robustness=robustness,
        target_drop=target_drop,
        progress=progress,
    )


def quantized(
    request: Request, path: Path, progress: Progress, target_drop: float | None = None
) -> tuple[Calibration, dict[str, Any] | None]:
    """Make the request's int8 .tflite at `path`, or copy the one it is; the second result is QuantizeResult.mixed."""
    if request.is_tflite:
        shutil.copyfile(request.model, path)
        return Calibration(f"{request.model.name} as given", 0, False), None
    result = quantize_request(request, path, progress, target_drop=target_drop)
    source, samples, random = result.calibration, result.calibration_samples, result.random_calibration
    recurrent, quality = result.recurrent, result.quality
    return Calibration(source, samples, random, recurrent, quality, result.coverage), result.mixed


def _labels(request: Request, model: Model) -> tuple[str, ...]:
    data = request.data or request.calibration
    return () if data is None else load_data(data, input_shapes_of(model.graph)).labels


def input_shapes_of(graph: Graph) -> dict[str, tuple[int, ...]]:
    """The inputs' shapes by name, as load_data takes them."""
    return {graph.tensors[i].name: graph.tensors[i].shape for i in graph.inputs}


def _identity(request: Request) -> dict[str, Any]:
    """What an int8 model depends on, as it stands in build.json."""
    data = None if request.data is None or request.is_tflite else parse_spec(request.data)
    other = None if request.calibration is None or request.is_tflite else parse_spec(request.calibration)
    return {
        "tinygen": __version__,
        "model": request.model.name,
        "source_sha256": sha256_of(request.model),
        "data_key": None if data is None else data.key,
        "data_options": None if data is None else dict(data.options),
        "data_sha256": None if data is None else sha256_of(data.path),
        "calibration_data": None if other is None else [other.key, dict(other.options), sha256_of(other.path)],
        "most_samples": request.calibration_samples,
        "input_shapes": {name: list(shape) for name, shape in request.input_shapes.items()},
        "allow_lambda": request.allow_lambda,
        "activations": request.activations,
    }


def _kept(project: Path, name: str, identity: dict[str, Any]) -> tuple[bytes, Calibration] | None:
    """The int8 model in a project and how it was calibrated, if it is what `identity` asks for."""
    try:
        record = json.loads((project / "model" / "build.json").read_text())[name]
        tflite = (project / "model" / f"{name}.tflite").read_bytes()
        same = all(record[key] == value for key, value in identity.items())
        if same and record["model_sha256"] == hashlib.sha256(tflite).hexdigest():
            fields = record["calibration"]
            recurrent, quality = tuple(fields["recurrent"]), Quality.from_json(fields["quality"])
            covered = Coverage.from_json(fields["coverage"])
            told = {**fields, "recurrent": recurrent, "quality": quality, "coverage": covered}
            return tflite, Calibration(**told)
    except (OSError, ValueError, KeyError, TypeError):
        pass  # nothing kept, or not by this version: build anew
    return None


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, or of a folder's files with their names, hexadecimal."""
    digest = hashlib.sha256()
    for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
        if file.is_file():
            if path.is_dir():
                digest.update(file.relative_to(path).as_posix().encode() + b"\0")
            digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()
