"""The C library of a model: NAME.h, NAME.c, NAME_weights.h and the kernels used."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tinygen import __version__, resources
from tinygen.ir import Tensor
from tinygen.kernels import kernel_files
from tinygen.ops.base import Constant, Operand
from tinygen.plan import Plan
from tinygen.plan.constants import Key
from tinygen.plan.schedule import Ready, Segment
from tinygen.render import Files, render
from tinygen.render.arenas import SharedArena, arrays_of
from tinygen.render.constants import ConstantArray, c_float, constant_array
from tinygen.render.features import feature_kernels, features_of
from tinygen.render.names import comment, string_body
from tinygen.render.state import hop_of, initial_values, state_of


@dataclass(frozen=True, slots=True)
class _Border:
    """An input or output of the model as the header shows it."""

    comment: str
    elements: int
    nbytes: int
    scale: str
    zero_point: int
    address: str


@dataclass(frozen=True, slots=True)
class _BorderGroup:
    macro: str
    function: str
    c_type: str
    tensors: tuple[_Border, ...]


@dataclass(frozen=True, slots=True)
class _Layer:
    index: int
    kernel: str
    title: str
    comments: tuple[str, ...]
    params: tuple[tuple[str, str], ...]
    images: int
    rows: int
    views: tuple[str, ...]
    operands: str
    memory: str
    ready: str
    ranges: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class _Segment:
    """Layers that are computed in turns of `height` rows; a height of 0 is one layer computed whole."""

    layers: tuple[_Layer, ...]
    height: int
    turns: int
    driver: str
    backwards: int

    @property
    def brings(self) -> str:
        return "a row" if self.height == 1 else f"{self.height} rows"


@dataclass(frozen=True, slots=True)
class _Pushed:
    """The input that comes row by row: where its ring lies."""

    c_type: str
    rows: int
    row_bytes: int
    ring_rows: int
    array: str
    offset: int


def library_files(plan: Plan, sha256: str, labels: tuple[str, ...] = (), shared: SharedArena | None = None) -> Files:
    """The library as files relative to its folder; the graph's name must be a C identifier (names.c_name).

    shared: the library that has the arena, if it is not the model's own.
    Deterministic: the same plan gives the same bytes.
    """
    graph = plan.program.graph
    name = graph.name
    segments = tuple(_segment(plan, segment) for segment in plan.segments)
    layers = tuple(layer for segment in segments for layer in segment.layers)
    model = {
        "name": name,
        "macro": name.upper(),
        "version": __version__,
        "sha256": sha256,
        "arena_bytes": plan.arena_bytes,
        "small": _is_small(plan),
        "state": state_of(plan),
        "hop": hop_of(plan),
        "features": features_of(plan),
        "shared_arena": shared.name if shared else "",
        "arenas": arrays_of(plan, shared),
        "summary": _summary(plan),
        "borders": (_border(plan, "input", graph.inputs), _border(plan, "output", graph.outputs)),
        "scores": " + ".join(map(str, plan.address(graph.outputs[0]))),
        "labels": tuple(string_body(label) for label in labels),
        "kernels": _includes(plan, {layer.kernel for layer in layers}),
        "layers": layers,
        "segments": segments,
        "pushed": _pushed(plan),
        "constants": _constants(plan),
    }
    files: Files = {f"src/{name}_kernels/{path.name}": path.read_bytes() for path in kernel_files(plan.program)}
    files[f"src/{name}.h"] = render("model/model.h.j2", m=model)
    files[f"src/{name}.c"] = render("model/model.c.j2", m=model)
    files[f"src/{name}_weights.h"] = render("model/weights.h.j2", m=model)
    if plan.features is not None:
        files[f"src/{name}_features.h"] = render("model/features.h.j2", m=model, f=model["features"])
        files.update({f"src/{name}_kernels/{file}": text for file, text in feature_kernels(plan.features).items()})
    files["library.json"] = render("model/library.json.j2", m=model)
    files["library.properties"] = render("model/library.properties.j2", m=model)
    files["LICENSE"] = (resources.TEMPLATES / "model" / "LICENSE").read_bytes()
    return files


def _includes(plan: Plan, kernels: set[str]) -> tuple[str, ...]:
    """The kernels' headers; before them, where there is float arithmetic, the one that fixes how it is compiled."""
    is_float = any(path.stem == "tg_float" for path in kernel_files(plan.program))
    return (*(("tg_float",) if is_float else ()), *sorted(kernels))


def _pushed(plan: Plan) -> _Pushed | None:
    operand = plan.pushed
    if operand is None:
        return None
    view, tensor = plan.view(operand), plan.program.graph.tensors[operand.tensor]
    return _Pushed(tensor.dtype.c_type, operand.rows, operand.row_bytes, view.ring_rows, *plan.address(operand.tensor))


def _summary(plan: Plan) -> str:
    program = plan.program
    state = f", {plan.state_bytes} bytes of state" if plan.state_bytes else ""
    return (
        f"{len(plan.steps)} layers, {program.macs} multiply-accumulates, {program.const_bytes} bytes of constants, "
        f"{plan.arena_bytes} bytes of arena (lower bound {plan.lower_bound_bytes}){state}"
    )


def _border(plan: Plan, function: str, indices: tuple[int, ...]) -> _BorderGroup:
    tensors = [plan.program.graph.tensors[i] for i in indices]
    types = {t.dtype.c_type for t in tensors}
    c_type = types.pop() if len(types) == 1 else "void"
    borders = []
    for index, t in zip(indices, tensors, strict=True):
        address = " + ".join(map(str, plan.address(index)))
        if c_type != "int8_t":
            address = f"({c_type} *)(void *)({address})"
        text = f"{t.name}: {_shape(t)} {t.dtype.value}"
        elements = t.elements
        if plan.hop is not None and function == "input":
            text, elements = f"{text}, of which the new frames", elements // plan.hop.window * plan.hop.frames
        size = elements * t.dtype.size
        borders.append(_Border(comment(text), elements, size, c_float(t.scale), t.zero_point, address))
    return _BorderGroup(function.upper(), function, c_type, tuple(borders))


def _segment(plan: Plan, segment: Segment) -> _Segment:
    return _Segment(
        layers=tuple(_layer(plan, index, segment) for index in range(segment.first, segment.end)),
        height=segment.height,
        turns=sum(1 for _ in segment.turns(plan.program)),
        driver=comment(plan.program.graph.tensors[segment.driver].name.split(";")[0]) if segment.height else "",
        backwards=segment.backwards,
    )


def _layer(plan: Plan, index: int, segment: Segment) -> _Layer:
    step, graph = plan.steps[index], plan.program.graph
    call = step.call
    macs = f", {step.macs} MACs" if step.macs else ""
    lines = [_place(plan, "in ", operand) for operand in call.inputs]
    lines += [_place(plan, "var", operand) for operand in call.state] + [_place(plan, "out", call.output)]
    for role, size in (("scratch", call.scratch_bytes), ("carry", call.carry_bytes)):
        if size:
            array, offset = plan.step_address(role, index)
            lines.append(f"{role} {array}[{offset} .. {offset + size})")
    names = ["in"] if len(call.inputs) == 1 else [f"in{k + 1}" for k in range(len(call.inputs))]
    views = [_view(plan, "tg_input", name, o) for name, o in zip(names, call.inputs, strict=True)]
    names += [f"state{k + 1}" for k in range(len(call.state))]
    views += [_view(plan, "tg_output", f"state{k + 1}", o) for k, o in enumerate(call.state)]
    views.append(_view(plan, "tg_output", "out", call.output))
    addresses = ", ".join(f"&{name}" for name in (*names, "out"))
    memory = ", ".join(
        " + ".join(map(str, plan.step_address(role, index))) if size else "NULL"
        for role, size in (("scratch", call.scratch_bytes), ("carry", call.carry_bytes))
    )
    return _Layer(
        index=index,
        kernel=call.kernel,
        # the converter strings the names of all that it fused together
        title=f"{step.op.kind} '{comment(step.op.name.split(';')[0])}'{macs}",
        comments=tuple(lines),
        params=tuple((field, _param(graph.name, index, value)) for field, value in call.params),
        images=call.output.images,
        rows=call.rows,
        views=tuple(views),
        operands=addresses,
        memory=memory,
        ready=_ready(segment.ready[index - segment.first]) if segment.height else "",
        ranges=segment.ranges or ((0, call.rows),),
    )


def _ready(formulas: tuple[Ready, ...]) -> str:
    """How many rows of a layer can be made, as C."""
    text = ""
    for r in reversed(formulas):
        got = "got" if r.source < 0 else f"got{r.source}"
        ready = f"tg_ready({got}, {r.multiply}, {r.add}, {r.divide})"
        text = f"tg_min({ready}, {text})" if text else ready
    return text


def _place(plan: Plan, role: str, operand: Operand) -> str:
    tensor = plan.program.graph.tensors[operand.tensor]
    if tensor.data is not None:
        return f"{role} constant {_shape(tensor)} {tensor.dtype.value}"
    view = plan.view(operand)
    ring = view.ring_rows < operand.rows
    size = view.ring_rows * view.row_bytes if ring else tensor.nbytes
    text = f"{role} {view.memory}[{view.offset} .. {view.offset + size}) {_shape(tensor)} {tensor.dtype.value}"
    return f"{text}, a ring of {view.ring_rows} rows" if ring else text


def _view(plan: Plan, c_type: str, name: str, operand: Operand) -> str:
    graph = plan.program.graph
    rows = operand.rows
    if graph.tensors[operand.tensor].data is not None:
        base = _operand_name(graph.name, operand.tensor)
    else:
        view = plan.view(operand)
        base, rows = f"{view.memory} + {view.offset}", view.ring_rows
    if operand.images > 1:
        base += f" + n * {operand.rows * operand.row_bytes}"
    return f"const {c_type} {name} = {{{base}, {operand.row_bytes}, {rows}}};"


def _param(name: str, layer: int, value: int | float | tuple[int, ...] | Constant) -> str:
    if isinstance(value, Constant):
        return _constant_name(name, layer, value)
    if isinstance(value, tuple):
        return f"{{{', '.join(map(str, value))}}}"
    return c_float(value) if isinstance(value, float) else str(value)


def _constant_name(name: str, layer: int, constant: Constant) -> str:
    return f"{name}_layer{layer}_{constant.field}"


def _operand_name(name: str, tensor: int) -> str:
    return f"{name}_tensor{tensor}"


def _constants(plan: Plan) -> tuple[ConstantArray, ...]:
    graph = plan.program.graph
    arrays = []
    for index, step in enumerate(plan.steps):
        op = step.op
        for c in step.call.constants:
            text = comment(f"{op.kind} {op.name}: {c.field} {'x'.join(map(str, c.values.shape))}")
            attribute = f" TG_FLASH{_section(plan, ('layer', index, c.field))}"
            arrays.append(constant_array(_constant_name(graph.name, index, c), c.values, attribute, text))
    for tensor in plan.program.constant_operands:
        t = graph.tensors[tensor]
        assert t.data is not None
        # read through a view like any tensor, so it may not lie in a separate flash address space; as bytes, which
        # keep every float to the bit
        values = np.frombuffer(t.data.tobytes(), np.int8)
        alignment = f" __attribute__((aligned({t.dtype.size})))" if t.dtype.size > 1 else ""
        text = comment(f"{t.name}: {_shape(t)} {t.dtype.value}")
        attribute = alignment + _section(plan, ("tensor", tensor, ""))
        arrays.append(constant_array(_operand_name(graph.name, tensor), values, attribute, text))
    for index, v, values in initial_values(plan):
        attribute = f" TG_FLASH{_section(plan, ('state', index, ''))}"
        arrays.append(constant_array(v.source, values, attribute, f"initial value of {v.comment}"))
    return tuple(arrays)


def _section(plan: Plan, key: Key) -> str:
    """The attribute of a constant that lies in a flash with a section of its own; empty for others."""
    section = plan.flash[plan.flash_of[key]].region.section if plan.flash else ""
    return f' __attribute__((section("{section}")))' if section else ""


def _shape(tensor: Tensor) -> str:
    return "x".join(map(str, tensor.shape)) or "scalar"


def _is_small(plan: Plan) -> bool:
    """Whether the library is compiled with -Os. On an AVR, whose kernels are assembly inside, -O3 makes the C around
    them three times as large and hardly faster; only layers that the portable kernels serve win by it."""
    target = plan.program.target
    return target.aim == "size" or (target.kernels == "avr" and target.aim != "speed")
