"""The line from a model file to a plan, and to a project on disk: what the commands have in common.

Place in the flow: cli/ calls it; it calls load/, passes/, kernels.py, plan/, render/ and project.py in order.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from tinygen import reference
from tinygen.boards import Board
from tinygen.decision.decider import decision_table, make_decider
from tinygen.drift.fit import fit_watch
from tinygen.drift.watch import DriftWatch
from tinygen.errors import TinygenError
from tinygen.features.definition import load_table
from tinygen.features.front_end import FrontEnd, make_front_end
from tinygen.ir import DType, Graph
from tinygen.kernels import build_program
from tinygen.kernelsets import Target
from tinygen.load.data import load_data
from tinygen.load.keras_job import MOST_CALIBRATION_SAMPLES, Quality
from tinygen.load.subset import Coverage
from tinygen.load.tflite import Model, load_tflite
from tinygen.load.worker_client import QuantizeResult, quantize_model
from tinygen.passes import run_passes
from tinygen.plan import Plan, make_plan, with_features
from tinygen.platformio import platform_spec
from tinygen.project import write_project
from tinygen.regions import Region
from tinygen.render import Files
from tinygen.render.arenas import arena_files, shared_arena
from tinygen.render.model import library_files
from tinygen.render.project import DEFAULT_TESTER, ProjectModel, Tester, project_files
from tinygen.request import Request, identity_of, sha256_of
from tinygen.samples import raw_samples
from tinygen.tuned import Tuned, find_tuned
from tinygen.verify import verify

Progress = Callable[[str], None]

# of 64 KB: what lies before them or is in flash of the framework (vectors, tables of pins) takes a few hundred bytes
_NEAR_BYTES = 64000


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
    """A model ready to be rendered; `tflite` is the int8 file's content, `identity` what that depends on, looked at
    before it was made, `tuned` what planned it, if anything did."""

    request: Request
    tflite: bytes
    model: Model
    plan: Plan
    labels: tuple[str, ...]
    calibration: Calibration
    identity: Mapping[str, Any]
    tuned: Tuned | None = None


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
    identity = identity_of(request)
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
        labels = _labels(request, model)
        if request.features is not None:
            plan = with_features(
                plan, _front_end(request, request.features, model.graph, labels, program.macs, progress)
            )
            labels = plan.features.decider.labels if plan.features and plan.features.decider else labels
        tflite = path.read_bytes()
    return Compiled(request, tflite, model, plan, labels, calibration, identity, tuned)


def _front_end(
    request: Request, table: Path, graph: Graph, labels: tuple[str, ...], macs: int, progress: Progress
) -> FrontEnd:
    """What makes the model's input out of samples; raises TinygenError where table and model do not fit together."""
    if len(graph.inputs) != 1:
        raise TinygenError(f"{request.name} has {len(graph.inputs)} inputs, and {table} makes one", "--features none")
    forgets = not request.is_tflite and bool(graph.variables) and request.hop is None
    definition, content = load_table(table)
    front = make_front_end(definition, graph.tensors[graph.inputs[0]], request.hop, forgets)
    if "decision" in content:
        decider = make_decider(decision_table(content["decision"]), graph.tensors[graph.outputs[0]], labels)
        front = replace(front, decider=decider)
    return replace(front, watch=_watch(request, front, graph, macs, progress)) if "drift" in content else front


def _watch(request: Request, front: FrontEnd, graph: Graph, macs: int, progress: Progress) -> DriftWatch:
    """The drift watch of a model, from its calibration samples."""
    output = graph.tensors[graph.outputs[0]]
    if output.dtype is not DType.INT8:
        raise TinygenError(f"[drift] needs int8 scores, and the output is {output.dtype.value}", "leave [drift] out")
    text = request.calibration or request.data
    data = None if text is None else load_data(text, input_shapes_of(graph))
    samples = None if data is None else data.calibration
    if samples is None:
        raise TinygenError(
            "[drift] needs calibration samples", f"give {request.model.stem}.npz, --data or --calibration"
        )
    count = len(next(iter(samples.values())))
    taken = np.unique(np.linspace(0, count - 1, MOST_CALIBRATION_SAMPLES).astype(int))
    raw = raw_samples(graph, {name: array[taken] for name, array in samples.items()})
    progress(f"running the int8 reference on {len(taken)} calibration samples, for the drift watch")
    outputs = np.stack([reference.run(graph, inputs)[0].reshape(-1) for inputs in raw.inputs])
    windows = np.stack([inputs[0].reshape(-1) for inputs in raw.inputs])
    return fit_watch(windows, outputs, front, macs)


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
            **compiled.identity,
            "model_sha256": sha256,
            "calibration": calibration,
            "optimize": compiled.request.optimize,
            "by_rows": compiled.request.by_rows,
            "hop": compiled.request.hop,
            "features": None if compiled.request.features is None else sha256_of(compiled.request.features),
        }
        kept[f"{name}.tflite"] = compiled.tflite
    kept["build.json"] = (json.dumps(records, indent=2) + "\n").encode()
    write_project(folder, replace(files, generated={**files.generated, "model": kept}))


def _need_near_constants(models: Sequence[Compiled], board: Board) -> None:
    """Raise where an AVR could not reach all constants: kernels read flash by pointers of 16 bits."""
    constants = sum(compiled.plan.const_bytes for compiled in models)
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
