"""Writes docs/operators.md from the registry, the operators' own texts and the table of random cases.

`make docs` runs it; tests/unit/test_operators_doc.py says when the file is out of date. What it says of options is
tried out: each field of an operator's option table is changed in its random cases, and tinygen takes them or not.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ai_edge_litert import schema_py_generated as schema

from tests.exact.cases import GENERATORS, NOT_IN_TFLM, STYLES, Case, cases
from tests.support.tflite_builder import pack
from tinygen.errors import TinygenError
from tinygen.ir import DType, Graph, Op
from tinygen.load import flatbuffer
from tinygen.load.tflite import parse_tflite
from tinygen.ops import OPERATORS, VARIANTS
from tinygen.verify import verify

PATH = Path(__file__).resolve().parents[2] / "docs" / "operators.md"
_INTERNAL = {"TABLE"}  # made by a pass, in no file
_LOOKED_AT = 32  # cases whose types and ranks are told
_TRIED = 6  # cases in which options are changed
_ENUMS: dict[str, type] = {
    "fusedActivationFunction": schema.ActivationFunctionType,
    "padding": schema.Padding,
    "mode": schema.MirrorPadMode,
    "weightsFormat": schema.FullyConnectedOptionsWeightsFormat,
    "kernelType": schema.LSTMKernelType,
    "outType": schema.TensorType,
    "outputType": schema.TensorType,
    "inDataType": schema.TensorType,
    "outDataType": schema.TensorType,
    "quantizedBiasType": schema.TensorType,
}


@dataclass(frozen=True, slots=True)
class Form:
    """An operator for one type of data."""

    kind: str
    dtype: DType

    @property
    def key(self) -> str:
        """As the table of cases has it."""
        return self.kind if self.dtype is DType.INT8 else f"{self.kind} {self.dtype.value}"

    @property
    def judge(self) -> str:
        if self.key not in GENERATORS:
            return "TFLM = numpy, folded" if self.kind == "SHAPE" else "in whole models"
        if self.key in NOT_IN_TFLM:
            return "formula = numpy = C"
        return "TFLM ≈ numpy = C" if self.dtype is DType.FLOAT32 else "TFLM = numpy = C"


def document() -> str:
    """The whole file."""
    forms = [Form(kind, dtype) for kind, dtype in VARIANTS if kind not in _INTERNAL]
    by_kind: dict[str, list[Form]] = {}
    for form in forms:
        by_kind.setdefault(form.kind, []).append(form)
    parts = [_introduction(len(by_kind)), _table(by_kind), _limits(), _missing(), "## Each operator"]
    parts += [_section(kind, of_kind) for kind, of_kind in by_kind.items()]
    return "\n\n".join(parts) + "\n"


def _introduction(count: int) -> str:
    return f"""# Operators

Does my model go through? `tinygen plan MODEL.tflite` says so in a second, and names every operator that is missing,
with its layers. Below is what it goes by: {count} operators of TensorFlow Lite. This file is generated (`make docs`).

How each was compared, on dozens of random models of it with {len(STYLES)} kinds of input ({", ".join(STYLES)}):

- **TFLM = numpy = C**: TensorFlow Lite Micro's kernel, tinygen's numpy reference and the generated C give the same
  bits.
- **TFLM ≈ numpy = C**: float32. Numpy and C give the same bits, TFLM the same numbers within a stated tolerance.
- **formula = numpy = C**: TFLM has no kernel of the operator for this type. Numpy and C give the same bits, and numpy
  is judged by the operator's real function in float64, rounded half away from zero and saturated.
- **TFLM = numpy, folded**: computed by tinygen; nothing of it is left on the device.
- **in whole models**: it does nothing alone; models that have it are compared with TFLM, to the bit."""


def _table(by_kind: dict[str, list[Form]]) -> str:
    lines = ["| operator | types | compared |", "|---|---|---|"]
    for kind, forms in by_kind.items():
        judges = dict.fromkeys(f.judge for f in forms)
        compared = "; ".join(
            judge if len(judges) == 1 else f"{judge} ({', '.join(f.dtype.value for f in forms if f.judge == judge)})"
            for judge in judges
        )
        types = dict.fromkeys(t for form in forms for t in _types(form))
        anchor = kind.lower().replace(" ", "-")
        lines.append(f"| [{kind}](#{anchor}) | {', '.join(types) or 'any'} | {compared} |")
    return "\n".join(lines)


def _limits() -> str:
    mega = 1 << 20
    return f"""## Every model

- All shapes are fixed. Control flow (IF, WHILE) is refused.
- Per-tensor quantization of activations, per-tensor or per-channel of weights. Scales lie between 2^-100 and 2^100.
- Weights may be int4; they are unpacked to int8.
- uint8 only at the border of the model (QUANTIZE from and to int8). Models that TensorFlow 1 quantized to uint8
  throughout are refused, as TFLM refuses them: convert the float model again.
- Sparse tensors, tensors of strings or of complex numbers, and custom operators are refused.
- Limits, far above what a microcontroller holds: files of {flatbuffer.LARGEST_FILE // mega} MiB, tensors of
  {flatbuffer.LARGEST_TENSOR // mega} MiB, {flatbuffer.MOST_OPERATORS} operators."""


def _missing() -> str:
    builtin = {name for name, value in vars(schema.BuiltinOperator).items() if isinstance(value, int)}
    plain = sorted(n for n in builtin - set(OPERATORS) if not n.startswith(("STABLEHLO", "PLACEHOLDER")))
    return f"## Not supported\n\n{', '.join(plain)}; everything of StableHLO."


def _section(kind: str, forms: list[Form]) -> str:
    lines = [f"### {kind}"]
    for form in forms:
        lines += ["", _text(form)]
        if form.key in GENERATORS:
            chosen = cases(form.key, _LOOKED_AT)
            lines += ["", f"- Compared: {form.judge}; {_signatures(chosen)}; {_ranks(chosen)}."]
            lines += [f"- {line}" for line in _options(form, chosen)]
    return "\n".join(lines)


def _text(form: Form) -> str:
    """What the operator's file says of it, with what it refers to in a file shared by several."""
    operator = VARIANTS[form.kind, form.dtype]
    module = sys.modules[type(operator).__module__]
    own = inspect.cleandoc(type(operator).__dict__.get("__doc__") or "")
    text = f"{(module.__doc__ or '').strip()}\n\n{own}".strip()
    shared = re.search(r"[;,] ?(?:see|computed as ops/)\s*(_\w+)\.py(?: says)?", text)
    if shared:
        helper = sys.modules.get(f"{module.__package__}.{shared.group(1)}") or sys.modules.get(
            f"tinygen.ops.{shared.group(1)}"
        )
        text = text.replace(shared.group(0), "") + (
            f"\n\n{helper.__doc__.strip()}" if helper and helper.__doc__ else ""
        )
    return text


def _tensors(graph: Graph, op: Op) -> tuple[list[Any], list[Any]]:
    """Computed inputs and outputs; constants too where nothing is computed."""
    inputs = [graph.tensors[i] for i in op.inputs if i >= 0]
    return [t for t in inputs if t.data is None] or inputs, [graph.tensors[i] for i in op.outputs]


def _of_kind(case: Case) -> Op:
    kind = case.kind.split(" ")[0]
    return next((op for op in case.graph.ops if op.kind == kind), case.graph.ops[0])


def _types(form: Form) -> list[str]:
    if form.key not in GENERATORS:
        return []
    seen = {t.dtype for case in cases(form.key, _LOOKED_AT) for t in _tensors(case.graph, _of_kind(case))[0]}
    return [dtype.value for dtype in DType if dtype in seen]


def _signatures(chosen: tuple[Case, ...]) -> str:
    """From which types to which."""
    found: dict[str, set[str]] = {}
    for case in chosen:
        inputs, outputs = (dict.fromkeys(t.dtype.value for t in side) for side in _tensors(case.graph, _of_kind(case)))
        found.setdefault(" and ".join(inputs), set()).add(" and ".join(outputs))
    if all(outputs == {inputs} for inputs, outputs in found.items()):
        return f"on {', '.join(sorted(found))}"
    return "; ".join(f"{inputs} to {', '.join(sorted(outputs))}" for inputs, outputs in sorted(found.items()))


def _ranks(chosen: tuple[Case, ...]) -> str:
    ranks = sorted({len(_tensors(case.graph, _of_kind(case))[0][0].shape) for case in chosen})
    together = ranks == list(range(ranks[0], ranks[-1] + 1)) and len(ranks) > 2
    return f"{f'{ranks[0]} to {ranks[-1]}' if together else ' or '.join(map(str, ranks))} dimensions"


def _options(form: Form, chosen: tuple[Case, ...]) -> Iterator[str]:
    """A line per field of the option table."""
    models = [_model_and_op(case) for case in chosen]
    names = {
        name: None for _, op in models if op.builtinOptions is not None for name in sorted(vars(op.builtinOptions))
    }
    for name in names:
        seen = {_plain(getattr(op.builtinOptions, name)) for _, op in models}
        verdicts = [
            (_plain(value), *_try(form, model, op, name, value))
            for model, op in models[:_TRIED]
            for value in _others(name, op)
        ]
        read = any(reads for _, reads, _ in verdicts)
        taken = {value for value, _, accepted in verdicts if accepted} | seen
        refused = {value for value, _, _ in verdicts} - taken
        if not read:
            yield f"`{name}`: of no effect."
        elif name in _ENUMS or len(taken) == 1 or all(isinstance(value, bool) for value in seen):
            no = f"; refused: {_named(name, refused)}" if len(refused) < 8 else "; others are refused"
            no = no if refused else ""
            yield f"`{name}`: {_named(name, taken)}{no}."
        else:
            yield f"`{name}`: honoured."


def _model_and_op(case: Case) -> tuple[Any, Any]:
    model = schema.ModelT.InitFromPackedBuf(case.tflite, 0)
    wanted = getattr(schema.BuiltinOperator, case.kind.split(" ")[0])
    ops = model.subgraphs[0].operators
    return model, next(op for op in ops if model.operatorCodes[op.opcodeIndex].builtinCode == wanted)


def _plain(value: Any) -> Any:
    return value if isinstance(value, (int, float, bool, type(None))) else str(value)


def _others(name: str, op: Any) -> list[Any]:
    """Other values than the one that a field has."""
    value = getattr(op.builtinOptions, name)
    if isinstance(value, bool):
        return [not value]
    if name in _ENUMS:
        numbers = (n for n in vars(_ENUMS[name]).values() if isinstance(n, int))
        return [n for n in numbers if n != value]
    if isinstance(value, (int, float)):
        return [value + 1]
    return [[*([] if value is None else value), 0]]


def _try(form: Form, model: Any, op: Any, name: str, value: Any) -> tuple[bool, bool]:
    """(whether the operator reads the field, whether the model is taken with `value` in it)."""
    parse, before = OPERATORS[form.kind].parse, getattr(op.builtinOptions, name)
    parsed = parse(op.builtinOptions)
    setattr(op.builtinOptions, name, value)
    try:
        reads = parse(op.builtinOptions) != parsed
        verify(parse_tflite(pack(model), "m", "m.tflite"))
        return reads, True
    except TinygenError:
        return True, False
    finally:
        setattr(op.builtinOptions, name, before)


def _named(name: str, values: set[Any]) -> str:
    names = {n: text for text, n in vars(_ENUMS[name]).items() if isinstance(n, int)} if name in _ENUMS else {}
    return ", ".join(names.get(value, str(value).lower()) for value in sorted(values, key=str))


if __name__ == "__main__":
    PATH.write_text(document(), encoding="utf-8")
