"""Tables of features: what is filled in, what is refused, and the command that computes them."""

from __future__ import annotations

import wave
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.cli import tinygen
from tests.support.feature_models import TABLES, definition, echo_model, noise
from tinygen.errors import TinygenError
from tinygen.features import compute, definition_of, load_definition
from tinygen.features.definition import _COMMON
from tinygen.features.recordings import read_samples
from tinygen.features.tables import log2_table, spectrum_tables
from tinygen.pipeline import compile_model
from tinygen.request import make_request
from tinygen.resources import TEMPLATES

_OTHERS = {"fft", "low_hz", "high_hz", "bands", "coefficients", "statistics"}
MEL = """kind = "log_mel"
rate = 16000
window = 480
hop = 320
bands = 40
low_hz = 20
high_hz = 4000
offset = 20
scale = 8
"""


def test_defaults() -> None:
    d = definition_of({"kind": "spectrogram", "rate": 8000, "window": 200, "hop": 80})
    assert (d.fft, d.low_hz, d.high_hz, d.channels, d.stride) == (256, 0.0, 4000.0, 1, 0)
    assert d.bins == (0, 128)
    assert d.features == 129
    assert definition("statistics").features == 21
    assert definition("vibration").bins == (2, 24)
    assert definition("mfcc").features == 10


@pytest.mark.parametrize(
    ("name", "changed", "says"),
    [
        ("log_mel", {"kind": "mel"}, "kind: 'mel' is not one of"),
        ("log_mel", {"window": 5000}, "window: 5000 is greater than the maximum"),
        ("log_mel", {"windows": 480}, "'windows' was unexpected"),
        ("log_mel", {"hop": 481}, "a hop of 481 samples is longer than the window"),
        ("log_mel", {"fft": 256}, "an fft of 256 points is shorter"),
        ("log_mel", {"fft": 500}, "fft: 500 is not one of"),
        ("log_mel", {"coefficients": 3}, "kind 'log_mel' has no 'coefficients'"),
        ("log_mel", {"high_hz": 8001}, "more than half of the rate"),
        ("log_mel", {"low_hz": 4000}, "no frequency of the fft"),
        ("spectrogram", {"low_hz": 1001, "high_hz": 1002}, "no frequency of the fft"),
        ("mfcc", {"coefficients": 41}, "41 coefficients of 40 bands"),
        ("mfcc", {"scale": [1, 2]}, "scale: 2 numbers for 10 features"),
        ("mfcc", {"scale": 0}, "scale: 0 is too small"),
        ("mfcc", {"scale": True}, "scale: True is not of type"),
        ("mfcc", {"offset": float("nan")}, "offset: nan is no number"),
        ("mfcc", {"offset": [float("inf")] * 10}, "inf is greater than the maximum"),
        ("mfcc", {"high_hz": float("nan")}, "high_hz: nan is no number"),
        ("statistics", {"fft": 64}, "kind 'statistics' has no 'fft'"),
        ("statistics", {"statistics": []}, "statistics: []"),
        ("statistics", {"statistics": ["mean", "mean"]}, "statistics: ['mean', 'mean']"),
    ],
)
def test_refused(name: str, changed: dict[str, Any], says: str) -> None:
    with pytest.raises(TinygenError) as error:
        definition(name, **changed)
    assert says in str(error.value)
    assert error.value.hint


@pytest.mark.parametrize("missing", ["kind", "rate", "bands"])
def test_keys_that_must_be_there(missing: str) -> None:
    with pytest.raises(TinygenError, match=missing):
        definition_of({key: value for key, value in TABLES["log_mel"].items() if key != missing})


def test_a_band_without_a_frequency_is_refused() -> None:
    with pytest.raises(TinygenError, match="band 0 of 80 has no frequency of an fft of 256 points"):
        spectrum_tables(definition("log_mel", window=256, hop=128, bands=80))


@pytest.mark.parametrize("content", [b"", b"kind = ", b"\xff\xfe", b"kind = 1\n", b"a = " + b"[" * 5000])
def test_damaged_files_are_one_error(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "net.toml"
    path.write_bytes(content)
    with pytest.raises(TinygenError, match=r"net\.toml"):
        load_definition(path)
    with pytest.raises(TinygenError, match="cannot be read"):
        load_definition(tmp_path / "missing.toml")


_JUNK = st.one_of(
    st.integers(-10, 5000),
    st.sampled_from([0, 1, 16, 64, 512, 480.0, 4096, 10**400, -(10**400), float("nan"), float("inf"), True, None]),
    st.floats(),
    st.text(max_size=3),
    st.lists(st.one_of(st.floats(), st.integers(), st.sampled_from(["mean", "std"])), max_size=12),
    st.dictionaries(st.text(max_size=2), st.integers(), max_size=1),
)


@given(st.sampled_from(sorted(TABLES)), st.dictionaries(st.sampled_from(sorted(_COMMON | _OTHERS)), _JUNK, max_size=3))
def test_any_table_is_a_definition_or_one_error(name: str, junk: dict[str, Any]) -> None:
    try:
        d = definition(name, **junk)
        if d.fft:
            spectrum_tables(d)
    except TinygenError:
        return
    assert d.features > 0
    assert all(isinstance(n, int) for n in (d.rate, d.window, d.hop, d.fft, d.bands))


def test_logarithms_in_c_are_those_in_numpy() -> None:
    text = (TEMPLATES / "features" / "tg_log2.h").read_text()
    numbers = text.split("tg_log2_table[33] TG_FLASH = {")[1].split("}")[0]
    assert [int(n) for n in numbers.split(",") if n.strip()] == log2_table().tolist()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """With net.tflite, net.toml, and x.wav."""
    (tmp_path / "net.tflite").write_bytes(echo_model(4, 40))
    (tmp_path / "net.toml").write_text(MEL)
    write_wav(tmp_path / "x.wav", 16000, 1)
    return tmp_path


def write_wav(path: Path, rate: int, channels: int) -> None:
    with wave.open(str(path), "wb") as writer:
        writer.setparams((channels, 2, rate, 0, "NONE", ""))
        writer.writeframes(noise(2000, channels).astype("<i2").tobytes())


def test_damaged_wav_files_are_one_error(folder: Path) -> None:
    good, path, d, rng = (folder / "x.wav").read_bytes(), folder / "bad.wav", definition("log_mel"), Random(1)
    refused = 0
    for _ in range(800):
        content = bytearray(good)
        for _ in range(rng.randint(1, 4)):
            content[rng.randrange(48)] = rng.choice([0, 1, 128, 255, rng.randrange(256)])
        path.write_bytes(content if rng.random() < 0.7 else content[: rng.randrange(60)])
        try:
            assert read_samples(path, d).dtype == np.int16
        except TinygenError:
            refused += 1
    assert refused > 400


def test_command(folder: Path) -> None:
    assert tinygen("features", "net.toml", "x.wav", "-o", "x.npy", "--json", cwd=folder).json()["shape"] == [5, 40]
    np.testing.assert_array_equal(np.load(folder / "x.npy"), compute(noise(2000), load_definition(folder / "net.toml")))


def test_recordings_that_are_refused(folder: Path) -> None:
    write_wav(folder / "slow.wav", 8000, 1)
    write_wav(folder / "two.wav", 16000, 2)
    (folder / "cut.wav").write_bytes((folder / "x.wav").read_bytes()[:30])
    np.save(folder / "float.npy", np.zeros(3))
    (folder / "cut.npy").write_bytes((folder / "float.npy").read_bytes()[:90])
    np.savez(folder / "many", x=np.zeros(3))
    (folder / "many.npz").rename(folder / "many.npy")
    for file, says in {
        "slow.wav": "8000 samples a second, not 16000",
        "two.wav": "2 channels, not 1",
        "cut.wav": "cannot be read",
        "none.wav": "there is no file",
        "float.npy": "float64, not int16",
        "cut.npy": "cannot be read",
        "many.npy": "is an .npz file",
    }.items():
        with pytest.raises(TinygenError) as error:
            compute(read_samples(folder / file, definition("log_mel")), definition("log_mel"))
        assert says in str(error.value)
        assert error.value.hint
    assert "slow.wav" in tinygen("features", "net.toml", "slow.wav", cwd=folder).error()


def test_library_has_a_front_end_where_a_table_lies_beside_the_model(folder: Path) -> None:
    made = tinygen("generate", "--json", "net.tflite", cwd=folder).json()
    header = (folder / "net" / "src" / "net.h").read_text()
    assert "int net_push(const int16_t *samples, size_t count);" in header
    assert "#define NET_STRIDE_FRAMES 4\n" in header
    assert made["arena_bytes"] == 160 + 257 * 8 + 160
    planned = tinygen("plan", "--json", "net.tflite", cwd=folder).json()["features"]
    assert (planned["scratch_offset"], planned["scratch_bytes"]) == (160, 257 * 8 + 160)
    assert (planned["window"], planned["stride"]) == (4, 4)
    plain = tinygen("generate", "--features", "none", "--json", "-o", "plain", "net.tflite", cwd=folder).json()
    assert plain["arena_bytes"] == 160
    assert plain["const_bytes"] < made["const_bytes"]
    assert "net_push" not in (folder / "plain" / "src" / "net.h").read_text()
    assert not list((folder / "plain" / "src").glob("*/tg_fft.h"))


@pytest.mark.parametrize(
    ("features", "by_rows", "says"),
    [
        ("other.toml", False, "there is no file"),
        ("bad.toml", False, "bad.toml: kind 'mfcc' needs 'coefficients'"),
        (None, True, "net.toml and --input rows exclude each other"),
        ("wide.toml", False, "no row of frames of 41 features"),
    ],
)
def test_tables_that_do_not_fit(features: str | None, by_rows: bool, says: str, folder: Path) -> None:
    (folder / "bad.toml").write_text(MEL.replace("log_mel", "mfcc"))
    (folder / "wide.toml").write_text(MEL.replace("bands = 40", "bands = 41"))
    table = None if features is None else str(folder / features)
    with pytest.raises(TinygenError) as error:
        compile_model(
            make_request(folder / "net.tflite", None, None, {}, False, by_rows=by_rows, features=table),
            None,
            lambda text: None,
        )
    assert says in str(error.value)
    assert error.value.hint
