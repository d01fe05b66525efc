"""The numpy twin of the front ends against float64, and the host's C against the twin, to the bit."""

from __future__ import annotations

import math
import os
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.feature_build import frame_function, frames_on_host
from tests.support.feature_models import TABLES, Samples, definition, noise, speech
from tinygen.errors import TinygenError
from tinygen.features import Definition, compute, fixed_values, quantize_values
from tinygen.features.folding import fold

NIGHTLY = "TINYGEN_NIGHTLY" in os.environ
Float = npt.NDArray[np.float64]


def framed(samples: Samples, d: Definition) -> Float:
    return np.lib.stride_tricks.sliding_window_view(samples.astype(np.float64), d.window)[:: d.hop]


def log_mel(samples: Samples, d: Definition) -> Float:
    """log2 of mel bands by the textbook, in float64; powers below 1 count as 1."""
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(d.window) / d.window)
    power = np.abs(np.fft.rfft(framed(samples, d) * hann, d.fft)) ** 2
    low, high = (1127 * math.log1p(hertz / 700) for hertz in (d.low_hz, d.high_hz))
    edges = np.linspace(low, high, d.bands + 2)
    bins = 1127 * np.log1p(np.arange(d.fft // 2 + 1) * d.rate / d.fft / 700)[:, None]
    rising, falling = ((bins - edges[:-2]) / np.diff(edges)[:-1], (edges[2:] - bins) / np.diff(edges)[1:])
    return np.log2(np.maximum(power @ np.maximum(0, np.minimum(rising, falling)), 1.0))


def snr_db(exact: Float, got: npt.NDArray[np.float32]) -> float:
    """Against what varies in the exact values: a constant is no signal."""
    return 10 * math.log10(np.var(exact) / np.mean((got - exact) ** 2))


@pytest.mark.parametrize("gain", [1.0, 0.1, 0.01])
def test_log_mel_of_speech_is_exact_enough(gain: float) -> None:
    d = definition("log_mel", offset=0, scale=1)
    samples = (speech() * gain).astype(np.int16)
    assert snr_db(log_mel(samples, d), compute(samples, d)) > 60


def test_mfcc_of_speech_is_exact_enough() -> None:
    d = definition("mfcc", offset=0, scale=1)
    order, band = np.arange(d.coefficients), np.arange(d.bands)[:, None]
    dct = np.cos(np.pi * order * (band + 0.5) / d.bands) * np.sqrt(2 / d.bands)
    exact = log_mel(speech(), d) @ dct
    assert snr_db(exact[:, 1:], compute(speech(), d)[:, 1:]) > 50


def test_spectrogram_of_a_sine() -> None:
    """A quarter of the rate: one bin and, by the window, its neighbours; the power is (N / 4 * amplitude)**2."""
    d = definition("spectrogram", window=256, hop=256, offset=0, scale=1)
    samples = np.round(1000 * np.cos(np.pi / 2 * np.arange(2560))).astype(np.int16)
    made = compute(samples, d)
    assert made.argmax(axis=1).tolist() == [64] * 10
    np.testing.assert_allclose(made[:, 64], 2 * math.log2(256 / 4 * 1000), atol=0.001)


def test_statistics() -> None:
    d = definition("statistics", offset=0, scale=1)
    samples = noise(5000, 3)
    x = np.lib.stride_tricks.sliding_window_view(samples.astype(np.float64), d.window, axis=0)[:: d.hop]
    mean = x.mean(axis=2)
    high = x >= mean[..., None]
    exact = np.stack(
        [
            mean,
            x.std(axis=2),
            np.sqrt((x * x).mean(axis=2)),
            x.min(axis=2),
            x.max(axis=2),
            np.abs(np.diff(x, axis=2)).sum(axis=2) / d.window,
            (high[..., 1:] != high[..., :-1]).sum(axis=2),
        ],
        axis=2,
    )
    # 1 / 16 is a step; a mean that falls on a sample may be off by float64's rounding, and so its crossings
    wrong = np.abs(compute(samples, d).reshape(exact.shape) - exact) > 0.07
    assert not wrong[..., :-1].any()
    assert wrong.mean() < 0.001


@pytest.mark.parametrize("name", TABLES)
def test_c_equals_numpy(name: str, tmp_path: Path) -> None:
    """In all more than 10,000 frames, of random sounds and of speech."""
    function = frame_function(name, tmp_path)
    d = function.definition
    count = (20000 if NIGHTLY else 1700) // (4 if d.fft > 1024 else 1)
    samples = noise(d.window + d.hop * count, d.channels, seed=1)
    if d.channels == 1:
        samples = np.concatenate([speech(), samples])
    expected = fixed_values(samples, d)
    got = frames_on_host(function, samples, ("-O1", "-fsanitize=undefined", "-fno-sanitize-recover=all"))
    assert len(got) > count
    np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("name", TABLES)
def test_recordings_are_computed_alike_together_and_alone(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    d = definition(name)
    samples = noise((d.window + 3 * d.hop) * 5, d.channels)
    recordings = samples.reshape(5, -1, *samples.shape[1:])
    together = fixed_values(recordings, d)
    assert together.shape == (5, 4, d.features)
    monkeypatch.setattr("tinygen.features.framing._SAMPLES_AT_ONCE", d.window * 2)
    np.testing.assert_array_equal(fixed_values(recordings, d), together)
    np.testing.assert_array_equal(np.stack([fixed_values(x, d) for x in recordings]), together)


def test_features_are_the_values_times_a_scale() -> None:
    """What a network is trained on is what the device has, exactly."""
    d = definition("log_mel", offset=20, scale=8)
    values = fixed_values(speech(), d)
    np.testing.assert_array_equal(compute(speech(), d), ((values / 1024 - 20) / 8).astype(np.float32))


@given(
    scale=st.floats(1e-6, 1e3),
    zero_point=st.integers(-128, 127),
    offset=st.floats(-50, 50),
    feature_scale=st.floats(1e-2, 100),
)
def test_folded_quantization_is_that_of_the_features(
    scale: float, zero_point: int, offset: float, feature_scale: float
) -> None:
    d = definition("log_mel", offset=offset, scale=feature_scale)
    try:
        folding = fold(d, scale, zero_point)
    except TinygenError:
        assert scale * feature_scale < 1e-5
        return
    values = np.arange(0, 56000, 7).reshape(-1, 40)
    exact = (values / 1024 - offset) / feature_scale / scale + zero_point
    got = quantize_values(values, folding)
    # the multiplier has 23 bits, or 30 behind the point
    slack = 1e-5 + 56000 * 2.0**-31 + np.abs(exact) * 2.0**-22
    inside = np.abs(exact) < 1000
    wrong = np.abs(got - np.clip(exact, -128, 127)) > 0.5 + slack
    assert not wrong[inside].any()
    assert (got[exact > 1000] == 127).all()
    assert (got[exact < -1000] == -128).all()


@pytest.mark.parametrize(
    ("samples", "says"),
    [
        (np.zeros(500, np.float32), "float32, not int16"),
        (np.zeros(479, np.int16), "479 samples do not fill a window of 480"),
        (np.zeros((1, 2, 500), np.int16), "shape (1, 2, 500)"),
        (np.int16(3), "shape ()"),
    ],
)
def test_refused_samples(samples: Samples, says: str) -> None:
    with pytest.raises(TinygenError) as error:
        compute(samples, definition("log_mel"))
    assert says in str(error.value)
    assert error.value.hint
