"""A front end as the C library shows it: its tables, and what the templates of NAME.h and NAME.c need of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tinygen import resources
from tinygen.decision.decider import Decider
from tinygen.drift.watch import DriftWatch
from tinygen.features.definition import Definition
from tinygen.features.front_end import FrontEnd
from tinygen.features.statistics import reciprocal
from tinygen.features.tables import spectrum_tables
from tinygen.ir import Array
from tinygen.plan import Plan
from tinygen.render import Files
from tinygen.render.constants import ConstantArray, constant_array

_FOLDER = resources.TEMPLATES / "features"
_FILES = {
    "tg_spectrum": ("tg_fft.h", "tg_log2.h", "tg_spectrum.h"),
    "tg_statistics": ("tg_statistics.h",),
}
_STATISTICS = ("mean", "std", "rms", "min", "max", "mean_change", "zero_crossings")


@dataclass(frozen=True, slots=True)
class Features:
    """Sizes are in elements: `heard` samples of all channels, `kept` frames. `memory` is the scratch, as C; `bins` is 0
    where there is no spectrum. ring: the frames kept are a whole window, else those of a hop. overlap: samples of a
    frame that the next one has, too."""

    title: str
    rate: int
    channels: int
    frame_samples: int
    hop_samples: int
    overlap: int
    heard: int
    features: int
    per_channel: int
    window: int
    kept: int
    ring: bool
    stride: int
    forgets: bool
    state_bytes: int
    memory: str
    bins: int
    header: str
    function: str
    params_type: str
    params: tuple[tuple[str, str], ...]
    quantize_params: tuple[tuple[str, str], ...]
    constants: tuple[ConstantArray, ...]
    decider: Decider | None
    watch: DriftWatch | None


def features_of(plan: Plan) -> Features | None:
    """The front end of a plan; None if its application brings the input itself."""
    front = plan.features
    if front is None:
        return None
    d, name = front.definition, plan.program.graph.name
    spectral = d.fft > 0
    header = "tg_spectrum" if spectral else "tg_statistics"
    tables = _spectrum_constants(d) if spectral else _statistics_constants(d)
    folding = front.folding
    each = len(folding.multipliers) > 1
    quantize = (
        ("multipliers", np.array(folding.multipliers, np.int32), "of the features"),
        ("addends", np.array(folding.addends, np.int64), "of the features, with the zero point"),
    )
    decider = front.decider
    limits = (("limits", np.array(decider.limits, np.int16), "of the sums of scores"),) if decider else ()
    constants = (*tables, *quantize, *limits, *_watch_constants(front.watch))
    return Features(
        title=_title(d),
        rate=d.rate,
        channels=d.channels,
        frame_samples=d.window,
        hop_samples=d.hop,
        overlap=d.window - d.hop,
        heard=d.window * d.channels,
        features=d.features,
        per_channel=d.features_per_channel,
        window=front.window,
        kept=front.kept,
        ring=plan.hop is None,
        stride=front.stride,
        forgets=front.forgets,
        state_bytes=front.state_bytes,
        memory=" + ".join(map(str, plan.frame_address)),
        bins=d.fft // 2 + 1 if spectral else 0,
        header=header,
        function=f"tg_{d.kind}",
        params_type=f"{header}_params",
        params=_params(d, name),
        quantize_params=(
            *((field, f"{name}_{field}") for field, _, _ in quantize),
            ("step", str(int(each))),
            ("shift", str(folding.shift)),
        ),
        constants=tuple(
            constant_array(f"{name}_{field}", values, " TG_FLASH", text) for field, values, text in constants
        ),
        decider=decider,
        watch=front.watch,
    )


def feature_kernels(front: FrontEnd) -> Files:
    """The C of a front end, by file name: verbatim copies of templates/features/."""
    header = "tg_spectrum" if front.definition.fft else "tg_statistics"
    more = (*(("tg_decide.h",) if front.decider else ()), *(("tg_drift.h",) if front.watch else ()))
    return {name: (_FOLDER / name).read_bytes() for name in (*_FILES[header], "tg_quantize_features.h", *more)}


def _title(d: Definition) -> str:
    return f"{d.kind}, {d.features} features of {d.window} samples, every {d.hop}"


def _spectrum_constants(d: Definition) -> tuple[tuple[str, Array, str], ...]:
    t = spectrum_tables(d)
    tables = (
        ("window", t.window, "Hann window, Q15"),
        ("twiddles", t.twiddles, f"exp(-2 pi i k / {d.fft}), re and im, Q15"),
        ("counts", t.counts, "bins between two neighbouring edges of the mel bands"),
        ("mel_weights", t.weights, "of these bins, Q15"),
        ("dct", t.dct, "coefficients x bands, Q15"),
    )
    return tuple((name, values, text) for name, values, text in tables if values.size)


def _statistics_constants(d: Definition) -> tuple[tuple[str, Array, str], ...]:
    kinds = np.array([_STATISTICS.index(name) for name in d.statistics], np.int8)
    return (("statistics", kinds, ", ".join(d.statistics)),)


def _watch_constants(watch: DriftWatch | None) -> tuple[tuple[str, Array, str], ...]:
    if watch is None:
        return ()
    return (
        ("drift_positions", np.array(watch.positions, np.int16), "in the input, that the drift watch sees"),
        ("drift_means", np.array(watch.means, np.int32), "of its statistics, times 256"),
        ("drift_multipliers", np.array(watch.multipliers, np.int32), "of their differences"),
        ("drift_mixing", np.array(watch.mixing, np.int16), "that takes the correlation out of these"),
    )


def _params(d: Definition, name: str) -> tuple[tuple[str, str], ...]:
    if not d.fft:
        return (
            ("kinds", f"{name}_statistics"),
            ("kinds_count", str(len(d.statistics))),
            ("window_samples", str(d.window)),
            ("reciprocal", str(reciprocal(d.window))),
        )
    first, last = d.bins
    mel = f"{name}_counts", f"{name}_mel_weights"
    counts, weights = mel if d.bands else ("NULL", "NULL")
    return (
        ("fft", f"{{{name}_window, {name}_twiddles, {d.window}, {d.fft}}}"),
        ("first_bin", str(first)),
        ("last_bin", str(last)),
        ("bands", str(d.bands)),
        ("coefficients", str(d.coefficients)),
        ("counts", counts),
        ("weights", weights),
        ("dct", f"{name}_dct" if d.coefficients else "NULL"),
    )
