"""What int16 activations would win, around single layers and in all: remedies that tinygen does not take by itself.

Place in the flow: load/worker.py calls it in the child process for `tinygen doctor MODEL`, after improve.py.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from tinygen.ir import Array
from tinygen.quantize.diagnose import Diagnosis
from tinygen.quantize.flat import Flat, matched
from tinygen.quantize.improve import Improved, decisive, some
from tinygen.quantize.measure import Inputs, outputs, sqnr_db
from tinygen.quantize.mixed import can_be_int16, with_int16

_MOST_LAYERS, _LEAST_SHARE = 3, 0.01
_WORK = 1e10  # multiply-accumulates
_MOST_SAMPLES = 50


def _readers(flat: Flat, index: int) -> list[int]:
    """Operators that read what one makes: its result stays int16 only for those that are int16 as well."""
    made = {int(i) for i in flat.graph.operators[index].outputs}
    return [k for k, op in enumerate(flat.graph.operators) if made & {int(i) for i in op.inputs}]


def _form(flat: Flat, mixed: Flat, tensor: int) -> int:
    """A tensor of the int8 file in the mixed one: the int16 twin where only that is computed."""
    made = {int(i) for op in mixed.graph.operators for i in op.outputs}
    twins = (i for i in made if mixed.name(i) == f"{flat.name(tensor)}_int16")
    return tensor if tensor in made else next(twins, tensor)


def offers(improved: Improved, now: Diagnosis, samples: Sequence[Inputs]) -> tuple[tuple[str, float], ...]:
    """(remedy in words, SQNR in dB of the model's output with it) for the layers that make most of the noise."""
    flat, source = Flat.of(improved.content), Flat.of(improved.source)
    able = can_be_int16(flat)
    noisy = [layer for layer in now.layers if layer.index in able and layer.share > _LEAST_SHARE]
    layers = sorted(noisy, key=lambda layer: -layer.share)[:_MOST_LAYERS]
    twins = matched(flat, source)
    if not able or any(i not in twins for i in decisive(flat)):
        return ()
    few = some(samples, min(_MOST_SAMPLES, _WORK / max(1, flat.macs())))
    ends = [twins[i] for i in decisive(flat)]
    real = outputs(improved.source, few, ends)

    def won(wide: Collection[int]) -> float:
        content = with_int16(improved.content, wide, {})
        places = [_form(flat, Flat.of(content), i) for i in decisive(flat)]
        got = outputs(content, few, places)
        parts: list[Array] = [sqnr_db(real[f], got[q]) for f, q in zip(ends, places, strict=True)]
        return float(sum(part.mean() for part in parts) / len(parts))

    found = [("as it is now", won(()))]
    for layer in layers:
        wide = [layer.index, *(i for i in _readers(flat, layer.index) if i in able)]
        where = f"layer{'s' * (len(wide) > 1)} {', '.join(map(str, wide))}"
        found.append((f"{where} in int16 ({layer.operator} and what reads it)", won(wide)))
    return (*found, ("all layers that can be in int16", won(able)))
