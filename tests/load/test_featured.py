"""Folders of sounds and tables of sensors for models that take features: what a table makes of their samples."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import pytest

from tinygen.errors import TinygenError
from tinygen.features import compute, load_definition
from tinygen.load.data import load_data
from tinygen.request import Request, identity_of, make_request

SOUND = 'kind = "log_mel"\nrate = 8000\nwindow = 200\nhop = 80\nbands = 8\noffset = 12\nscale = 5\n'
MOTION = 'kind = "statistics"\nrate = 50\nwindow = 16\nhop = 8\nchannels = 2\nstatistics = ["mean", "std", "max"]\n'
FRAMES = 5
SAMPLES = 200 + 4 * 80


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """kws.tflite (that nobody reads), kws.toml, imu.toml, and clips: two of `no`, a short one of `yes`."""
    (tmp_path / "kws.tflite").write_bytes(b"")
    (tmp_path / "kws.toml").write_text(SOUND)
    (tmp_path / "imu.toml").write_text(MOTION)
    rng = np.random.default_rng(1)
    for name, length in (("no/a", SAMPLES), ("no/b", 2 * SAMPLES + 3), ("yes/c", 300)):
        path = tmp_path / "clips" / f"{name}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        with wave.open(str(path), "wb") as file:
            file.setparams((1, 2, 8000, 0, "NONE", ""))
            file.writeframes(rng.integers(-32768, 32768, length).astype("<i2").tobytes())
    return tmp_path


def samples_of(path: Path) -> np.ndarray:
    with wave.open(str(path), "rb") as file:
        return np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.int16)


def refusal(spec: str, shape: tuple[int, ...]) -> str:
    with pytest.raises(TinygenError) as caught:
        load_data(spec, {"x": shape})
    return str(caught.value)


@pytest.mark.parametrize("shape", [(1, FRAMES, 8), (1, FRAMES, 8, 1), (1, FRAMES * 8)])
def test_sounds_are_what_a_training_script_computes(folder: Path, shape: tuple[int, ...]) -> None:
    dataset = load_data(f"{folder / 'clips'},features={folder / 'kws.toml'}", {"x": shape})
    long = samples_of(folder / "clips" / "no" / "b.wav")
    short = np.pad(samples_of(folder / "clips" / "yes" / "c.wav"), (0, SAMPLES - 300))
    clips = [samples_of(folder / "clips" / "no" / "a.wav"), long[:SAMPLES], long[SAMPLES : 2 * SAMPLES], short]
    wanted = compute(np.stack(clips), load_definition(folder / "kws.toml"))
    assert dataset.test is not None
    np.testing.assert_array_equal(dataset.test["x"], wanted.reshape(-1, *shape[1:]))
    assert dataset.labels == ("no", "yes")
    assert dataset.y_test is not None
    assert dataset.y_test.tolist() == [0, 0, 0, 1]


def test_rows_of_a_table(folder: Path) -> None:
    values = np.random.default_rng(2).integers(-2000, 2000, (60, 2))
    (folder / "imu.csv").write_text("x,y\n" + "".join(f"{x},{y}\n" for x, y in values))
    spec = f"{folder / 'imu.csv'},hop=10,features={folder / 'imu.toml'}"
    dataset = load_data(spec, {"x": (1, 3, 6)})
    pieces = np.stack([values[at : at + 32] for at in (0, 10, 20)]).astype(np.int16)
    assert dataset.test is not None
    np.testing.assert_array_equal(dataset.test["x"], compute(pieces, load_definition(folder / "imu.toml")))


def test_what_cannot_become_features(folder: Path) -> None:
    clips, table = folder / "clips", folder / "kws.toml"
    assert "8 features of a frame, the model's input is (N, 5, 7)" in refusal(f"{clips},features={table}", (1, 5, 7))
    assert "takes no option scale" in refusal(f"{clips},features={table},scale=0..1", (1, FRAMES, 8))
    assert "has 8000 Hz, not 16000" in refusal(_changed(folder, "rate = 8000", "rate = 16000"), (1, FRAMES, 8))
    assert "1 channels, the table of features 2" in refusal(
        _changed(folder, "bands", "channels = 2\nbands"), (1, 4, 16)
    )
    assert "none.toml cannot be read" in refusal(f"{clips},features={folder / 'none.toml'}", (1, FRAMES, 8))
    (folder / "imu.csv").write_text("x,y\n" + "0.5,1\n" * 40)
    assert "no whole numbers" in refusal(f"{folder / 'imu.csv'},features={folder / 'imu.toml'}", (1, 3, 6))


def _changed(folder: Path, old: str, new: str) -> str:
    (folder / "other.toml").write_text(SOUND.replace(old, new))
    return f"{folder / 'clips'},features={folder / 'other.toml'}"


def request(folder: Path, **options: str) -> Request:
    return make_request(folder / "kws.tflite", None, str(folder / "clips"), {}, False, **options)


def test_the_table_beside_the_model_is_taken(folder: Path) -> None:
    assert request(folder).data == f"{folder / 'clips'},features={folder / 'kws.toml'}"
    assert (
        request(folder, features=str(folder / "imu.toml")).data == f"{folder / 'clips'},features={folder / 'imu.toml'}"
    )
    assert request(folder, features="none").data == str(folder / "clips")


def test_another_table_makes_another_int8_model(folder: Path) -> None:
    """The identity by which a rebuild takes the int8 model that is there."""
    (folder / "kws.tflite").rename(folder / "kws.h5")
    keras = make_request(folder / "kws.h5", None, str(folder / "clips"), {}, False)
    before = identity_of(keras)
    (folder / "kws.toml").write_text(SOUND.replace("offset = 12", "offset = 11"))
    assert identity_of(keras) != before
    assert str(folder) not in str(before)
