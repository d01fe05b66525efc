"""A front end: a definition made for one model's input. What it needs of RAM and flash is decided here.

Place in the flow: after planning; `with_features` puts it into the Plan, render/features.py writes it.
"""

from __future__ import annotations

from dataclasses import dataclass

from tinygen.decision.decider import Decider
from tinygen.drift.watch import DriftWatch
from tinygen.errors import TinygenError
from tinygen.features.definition import Definition
from tinygen.features.folding import Folding, fold
from tinygen.features.tables import spectrum_tables
from tinygen.ir import DType, Tensor

_BIN_BYTES = 8
_VALUE_BYTES = 4
_COUNTER_BYTES = 8
_MOST_FRAMES = 30000


@dataclass(frozen=True, slots=True)
class FrontEnd:
    """`window` frames go into an inference, of which `kept` are remembered from one to the next; after `stride` new
    frames there is another. forgets: a model with variables that is reset before each inference. decider: what becomes
    of the scores, if the table says so; watch: what sees that the input drifts."""

    definition: Definition
    folding: Folding
    window: int
    kept: int
    stride: int
    forgets: bool
    decider: Decider | None = None
    watch: DriftWatch | None = None

    @property
    def state_bytes(self) -> int:
        """Static memory: the samples of a frame, the frames, and counters; and what decisions are made of."""
        d, more = self.definition, sum(part.state_bytes for part in (self.decider, self.watch) if part)
        return 2 * d.window * d.channels + self.kept * d.features + _COUNTER_BYTES + more

    @property
    def scratch_bytes(self) -> int:
        """Memory for the time of one frame: in the arena, in which nothing lies between two inferences."""
        d = self.definition
        bins = d.fft // 2 + 1 if d.fft else 0
        bands = d.bands if d.kind == "mfcc" else 0
        return bins * _BIN_BYTES + (bands + d.features_per_channel) * _VALUE_BYTES

    @property
    def const_bytes(self) -> int:
        """Tables in flash."""
        d, folded = self.definition, 12 * len(self.folding.multipliers)
        folded += sum(part.const_bytes for part in (self.decider, self.watch) if part)
        if not d.fft:
            return folded + len(d.statistics)
        t = spectrum_tables(d)
        return folded + 2 * (33 + sum(x.size for x in (t.window, t.twiddles, t.counts, t.weights, t.dct)))


def make_front_end(definition: Definition, tensor: Tensor, hop: int | None, forgets: bool) -> FrontEnd:
    """The front end for a model whose only input is `tensor`, of int8 and as many features as frames give.

    hop: what the model streams by (--hop), else None. Raises TinygenError where the two do not fit together.
    """
    d, shape = definition, tuple(n for n in tensor.shape if n != 1)
    if d.fft:
        spectrum_tables(d)
    if tensor.dtype is not DType.INT8:
        raise TinygenError(
            f"features are int8, and the model's input '{tensor.name}' is {tensor.dtype.value}", "--features none"
        )
    frames = tensor.elements // d.features
    expected = tuple(n for n in (frames, d.features) if n != 1)
    if tensor.elements % d.features or shape not in (expected, (tensor.elements,), ()):
        raise TinygenError(
            f"the model's input '{tensor.name}' is {tensor.shape}, which is no row of frames of {d.features} features",
            "the last axis must be the features of a frame; `--features none` leaves the table alone",
        )
    if frames > _MOST_FRAMES:
        raise TinygenError(f"a window of {frames:,} frames", f"at most {_MOST_FRAMES:,}")
    stride = hop or d.stride or frames
    if hop and d.stride not in (0, hop):
        raise TinygenError(f"--hop {hop}, but the table says stride = {d.stride}", f"--hop {d.stride}, or no stride")
    if hop and tensor.elements == d.features:
        raise TinygenError("--hop is for inputs of several frames", "leave out --hop")
    return FrontEnd(d, fold(d, tensor.scale, tensor.zero_point), frames, hop or frames, stride, forgets)
