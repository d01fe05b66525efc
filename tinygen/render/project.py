"""The PlatformIO project around a model's library: environments, application, tester firmware."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tinygen import __version__, resources
from tinygen.boards import Board
from tinygen.device.mlperf import scale_factor
from tinygen.ir import DType, Tensor
from tinygen.layers import layers_of
from tinygen.plan import Plan
from tinygen.render import Files, render
from tinygen.render.port import board_flags, board_libraries


@dataclass(frozen=True, slots=True)
class ProjectFiles:
    """`generated` maps folders and files that every build replaces, `once` those that belong to the user."""

    generated: dict[str, Files]
    once: Files


@dataclass(frozen=True, slots=True, eq=False)
class ProjectModel:
    """A model of the project; `sha256` of its int8 .tflite, hexadecimal.

    starts_anew: what it was converted from keeps nothing from one inference to the next, so it is reset before each if
    it has variables.
    """

    plan: Plan
    sha256: str
    labels: tuple[str, ...]
    starts_anew: bool


@dataclass(frozen=True, slots=True)
class _Input:
    """How the application fills an input with zeros: the byte for memset."""

    fill: str


# where an emulated board's UART is when PlatformIO starts it (`pio run -t upload`)
_EMULATOR_PORT = "socket://127.0.0.1:5333"


# before a library's C file in a project with layers: what every kernel call has as `out` was just written
_TRACE = b"""#include <stdint.h>
void tg_layers_trace(int32_t layer, const int8_t *base, int32_t row_bytes, int32_t ring_rows, int32_t y0, int32_t y1);
#define TG_TRACE(layer, y0, y1) tg_layers_trace(layer, out.base, out.row_bytes, out.ring_rows, y0, y1)
"""


@dataclass(frozen=True, slots=True)
class Played:
    """Recordings of so many hops of samples each, in which so many inferences have a result."""

    hops: int
    results: int


@dataclass(frozen=True, slots=True)
class Tester:
    """The firmware in tester/: its baud rate (None: the board's), the protocol that it speaks ("tinygen" or, for one
    model alone, "mlperf"), and whether it has the checksum of every layer, and the libraries its hook; an application
    does not link then. played: it takes recordings through a front end (`tinygen play`), not inputs."""

    baud: int | None = None
    layers: bool = False
    protocol: str = "tinygen"
    played: Played | None = None


DEFAULT_TESTER = Tester()


def project_files(
    models: Sequence[ProjectModel],
    libraries: dict[str, Files],
    board: Board,
    platform: str,
    tester: Tester = DEFAULT_TESTER,
) -> ProjectFiles:
    """The project of one or more models for `board`; libraries by name; `platform` as it stands in tinygen.ini."""
    shown = [_model(model, index, len(models), tester) for index, model in enumerate(models)]
    upload_port = _EMULATOR_PORT if board.emulated else ""
    plans = [model.plan for model in models]
    settings = {
        "version": __version__,
        "board": board,
        "platform": platform,
        "upload_port": upload_port,
        "flags": board_flags(plans, board),
        "baud": tester.baud or board.baud,
        "layers": tester.layers,
    }
    if tester.layers:
        libraries = {name: _traced(name, files) for name, files in libraries.items()}
    libraries = {**libraries, **board_libraries(plans, board)}
    arduino = board.framework == "arduino"
    is_mlperf = tester.protocol == "mlperf"
    answering = _mlperf(models[0], shown[0], arduino) if is_mlperf else _tester(shown, arduino, tester.layers)
    main = "main.cpp" if arduino else "main.c"
    return ProjectFiles(
        generated={
            **{f"lib/{name}": files for name, files in libraries.items()},
            "tester": answering,
            "tinygen.ini": {"": render("project/tinygen.ini.j2", p=settings)},
        },
        once={
            **_cmake(board),
            "platformio.ini": render("project/platformio.ini.j2"),
            f"src/{main}": render(f"project/{main}.j2", models=shown, board=board),
        },
    )


def _traced(name: str, files: Files) -> Files:
    """A model's library with the hook of tg_layers.c; the library of a shared arena has no layers."""
    source = f"src/{name}.c"
    is_model = b"TG_TRACE" in files.get(source, b"")
    return {**files, source: _TRACE + files[source]} if is_model else files


def _tester(shown: Sequence[dict[str, object]], arduino: bool, layers: bool) -> Files:
    """What answers `tinygen test` and `tinygen run`."""
    runtime = resources.FIRMWARE / "tester"
    more = ("tg_layers.h", "tg_layers.c") if layers else ()
    names = ("tg_tester.h", "tg_stack.h", "tg_tester.c", _port(arduino), *more)
    tester = {name: (runtime / name).read_bytes() for name in names}
    for model in shown:
        tester[f"{model['unit']}.c"] = render("project/tested_model.c.j2", m=model)
    return tester


def _mlperf(model: ProjectModel, shown: dict[str, object], arduino: bool) -> Files:
    """What answers the runner of MLPerf Tiny, over the same ports."""
    graph = model.plan.program.graph
    output = graph.tensors[graph.outputs[0]]
    described = {
        **shown,
        "output_type": output.dtype.c_type,
        "output_scale": output.scale,
        "thousandths": scale_factor(output.scale),
    }
    names = ("tester/tg_tester.h", f"tester/{_port(arduino)}", "mlperf/tg_mlperf.h", "mlperf/tg_mlperf.c")
    files = {name.split("/")[1]: (resources.FIRMWARE / name).read_bytes() for name in names}
    return {**files, "mlperf_model.c": render("project/mlperf_model.c.j2", m=described)}


def _port(arduino: bool) -> str:
    return "port_arduino.cpp" if arduino else "port_bare.c"


def arduino_sketch(model: ProjectModel) -> bytes:
    """The application of an Arduino board as a sketch, for any board."""
    board = {"baud": 115200, "needs_heap": False}
    return render("project/main.cpp.j2", models=[_model(model, 0, 1, DEFAULT_TESTER)], board=board)


def _cmake(board: Board) -> Files:
    """What ESP-IDF, which PlatformIO drives through CMake, wants to find in a project."""
    if board.framework != "espidf":
        return {}
    return {
        "CMakeLists.txt": render("project/espidf_CMakeLists.txt.j2"),
        "src/CMakeLists.txt": render("project/espidf_src_CMakeLists.txt.j2"),
    }


def _model(model: ProjectModel, index: int, count: int, tester: Tester) -> dict[str, object]:
    """Of model `index` of `count`; the tester finds the models as a list that is linked by `next`."""
    graph, sha256 = model.plan.program.graph, model.sha256
    name = graph.name
    units = ["tested_model", *(f"tested_model_{k + 1}" for k in range(1, count)), ""]
    outputs = [graph.tensors[i] for i in graph.outputs]
    same_type = len({t.dtype for t in outputs}) == 1
    output_type = outputs[0].dtype.c_type
    octets = [f"0x{sha256[i : i + 2]}," for i in range(0, 64, 2)]
    return {
        "name": name,
        "unit": units[index],
        "next_unit": units[index + 1],
        # what the application's functions are told apart by
        "suffix": f"_{name}" if count > 1 else "",
        "macro": name.upper(),
        "version": __version__,
        "sha256": sha256,
        "sha256_lines": [" ".join(octets[i : i + 16]) for i in (0, 16)],
        "inputs": tuple(_input(name, graph.tensors[i], k) for k, i in enumerate(graph.inputs)),
        "by_rows": model.plan.pushed is not None,
        "hops": 0 if model.plan.hop is None else model.plan.hop.hops,
        "input_type": graph.tensors[graph.inputs[0]].dtype.c_type,
        "outputs": tuple(graph.outputs),
        "output_type": output_type,
        # C++ does not convert void * by itself
        "output_cast": "" if same_type else f"(const {output_type} *)",
        "has_state": bool(graph.variables),
        "features": model.plan.features is not None,
        "decides": model.plan.features is not None and model.plan.features.decider is not None,
        "watches": model.plan.features is not None and model.plan.features.watch is not None,
        "played": tester.played,
        "layers": layers_of(model.plan) if tester.layers else (),
        "starts_anew": model.starts_anew and bool(graph.variables),
        "labelled": len(model.labels) == outputs[0].elements,
    }


def _input(name: str, tensor: Tensor, index: int) -> _Input:
    return _Input("0" if tensor.dtype is DType.FLOAT32 else f"{name.upper()}_INPUT_{index}_ZERO_POINT")
