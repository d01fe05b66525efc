"""The PlatformIO project around a model's library: environments, application, tester firmware."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tinygen import __version__, resources
from tinygen.boards import Board
from tinygen.ir import DType, Tensor
from tinygen.layers import layers_of
from tinygen.plan import Plan
from tinygen.render import Files, render


@dataclass(frozen=True, slots=True)
class ProjectFiles:
    """`generated` maps folders and files that every build replaces, `once` those that belong to the user."""

    generated: dict[str, Files]
    once: Files


@dataclass(frozen=True, slots=True, eq=False)
class ProjectModel:
    """A model of the project; `sha256` of its int8 .tflite, hexadecimal."""

    plan: Plan
    sha256: str
    labels: tuple[str, ...]


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


def project_files(
    models: Sequence[ProjectModel],
    libraries: dict[str, Files],
    board: Board,
    platform: str,
    baud: int | None = None,
    layers: bool = False,
) -> ProjectFiles:
    """The project of one or more models for `board`; libraries by name; `platform` as it stands in tinygen.ini.

    baud: of the tester's firmware, the board's by default. layers: the tester's firmware has the checksum of every
    layer, and the libraries its hook; an application does not link then.
    """
    shown = [_model(model, index, len(models), layers) for index, model in enumerate(models)]
    upload_port = _EMULATOR_PORT if board.emulated else ""
    settings = {
        "version": __version__,
        "board": board,
        "platform": platform,
        "upload_port": upload_port,
        "baud": baud or board.baud,
        "layers": layers,
    }
    if layers:
        libraries = {name: _traced(name, files) for name, files in libraries.items()}
    arduino = board.framework == "arduino"
    port = "port_arduino.cpp" if arduino else "port_bare.c"
    runtime = resources.FIRMWARE / "tester"
    names = ("tg_tester.h", "tg_stack.h", "tg_tester.c", port, *(("tg_layers.h", "tg_layers.c") if layers else ()))
    tester = {name: (runtime / name).read_bytes() for name in names}
    for model in shown:
        tester[f"{model['unit']}.c"] = render("project/tested_model.c.j2", m=model)
    main = "main.cpp" if arduino else "main.c"
    return ProjectFiles(
        generated={
            **{f"lib/{name}": files for name, files in libraries.items()},
            "tester": tester,
            "tinygen.ini": {"": render("project/tinygen.ini.j2", p=settings)},
        },
        once={
            "platformio.ini": render("project/platformio.ini.j2"),
            f"src/{main}": render(f"project/{main}.j2", models=shown, board=board),
        },
    )


def _traced(name: str, files: Files) -> Files:
    """A model's library with the hook of tg_layers.c; the library of a shared arena has no layers."""
    source = f"src/{name}.c"
    is_model = b"TG_TRACE" in files.get(source, b"")
    return {**files, source: _TRACE + files[source]} if is_model else files


def _model(model: ProjectModel, index: int, count: int, layers: bool) -> dict[str, object]:
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
        "layers": layers_of(model.plan) if layers else (),
        "labelled": len(model.labels) == outputs[0].elements,
    }


def _input(name: str, tensor: Tensor, index: int) -> _Input:
    return _Input("0" if tensor.dtype is DType.FLOAT32 else f"{name.upper()}_INPUT_{index}_ZERO_POINT")
