"""Folders of images, sounds and tables, CSV files and functions as `--data`: what they become, and how they fail."""

from __future__ import annotations

import contextlib
import struct
import wave
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from tinygen.errors import TinygenError
from tinygen.load import settle
from tinygen.load.arrays import Array
from tinygen.load.data import Dataset, load_data
from tinygen.load.function import call_function, function_name
from tinygen.load.settle import settled
from tinygen.load.spec import parse_spec

GRAY, COLOR, SOUND, SERIES = {"x": (1, 4, 6, 1)}, {"x": (1, 4, 6, 3)}, {"x": (1, 8)}, {"x": (1, 4, 2)}
damaged = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40)


def failure(spec: str, shapes: dict[str, tuple[int, ...]]) -> str:
    with pytest.raises(TinygenError) as caught:
        load_data(spec, shapes)
    said = f"{caught.value} | {caught.value.hint}"
    assert "\n" not in said
    return said


def values_of(dataset: Dataset) -> Array:
    assert dataset.test is not None
    assert dataset.calibration is dataset.test
    return dataset.test["x"]


def png(path: Path, pixels: Array) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def wav(path: Path, steps: list[int], width: int = 2, channels: int = 1, rate: int = 16000) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setparams((channels, width, rate, 0, "NONE", ""))
        packed = b"".join((s + (128 if width == 1 else 0)).to_bytes(width, "little", signed=width > 1) for s in steps)
        file.writeframes(packed)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Classes `cat` (0) and `dog` (1); the files of a class are 6 x 4 pixels of one value."""
    for label, values in (("dog", (10, 20)), ("cat", (0, 51, 255))):
        for v in values:
            png(tmp_path / "photos" / label / f"{v:03}.png", np.full((4, 6), v, np.uint8))
    (tmp_path / "photos" / ".DS_Store").write_bytes(b"x")
    (tmp_path / "photos" / "readme.txt").write_text("x")
    return tmp_path / "photos"


def test_a_folder_of_images(photos: Path) -> None:
    dataset = load_data(f"{photos},scale=0..1", GRAY)
    x = values_of(dataset)
    assert (x.shape, x.dtype) == ((5, 4, 6, 1), np.float32)
    np.testing.assert_allclose(x[:, 0, 0, 0], [0, 0.2, 1, 10 / 255, 20 / 255], rtol=1e-6)
    assert dataset.labels == ("cat", "dog")
    assert dataset.y_test is not None
    assert dataset.y_test.tolist() == [0, 0, 0, 1, 1]
    assert dataset.y_calibration is dataset.y_test
    assert dataset.test_source == "5 images of photos"
    raw = values_of(load_data(f"{photos},scale=0..255", COLOR))
    assert raw[:, 1, 2].tolist() == [[v, v, v] for v in (0, 51, 255, 10, 20)]
    signed = values_of(load_data(f"{photos / 'cat'},scale=-1..1", {"x": (1, 4, 6)}))
    np.testing.assert_allclose(signed[:, 0, 0], [-1, -0.6, 1], rtol=1e-6)


def test_images_are_resized(tmp_path: Path) -> None:
    wide = np.zeros((4, 12), np.uint8)
    wide[:, 3:9] = 200
    png(tmp_path / "a" / "x.png", wide)
    spec = f"{tmp_path / 'a'},scale=0..255"
    assert values_of(load_data(f"{spec},resize=crop", GRAY)).min() == 200
    padded = values_of(load_data(f"{spec},resize=pad", {"x": (1, 12, 12, 1)}))[0, :, :, 0]
    assert padded[:4].max() == padded[8:].max() == 0
    np.testing.assert_array_equal(padded[4:8], wide)
    stretched = values_of(load_data(spec, GRAY))[0, :, :, 0]
    assert (stretched[:, 2:4] == 200).all()
    assert (stretched[:, [0, -1]] == 0).all()


def test_what_images_may_not_be(photos: Path, tmp_path: Path) -> None:
    said = failure(str(photos), GRAY)
    assert "how the pixels of photos were scaled for training is not known" in said
    assert f"--data {photos},scale=0..1" in said
    assert "scale=1..0 is not LOW..HIGH" in failure(f"{photos},scale=1..0", GRAY)
    assert "resize=big is not known" in failure(f"{photos},scale=0..1,resize=big", GRAY)
    assert "photos takes no option hop | it takes scale=, resize=" in failure(f"{photos},hop=2,scale=0..1", GRAY)
    assert "gives an option twice" in failure(f"{photos},scale=0..1,scale=0..2", GRAY)
    assert "no image of 1, 3 or 4 channels" in failure(f"{photos},scale=0..1", {"x": (1, 49, 10, 2)})
    assert "2 inputs" in failure(f"{photos},scale=0..1", {"x": (1, 4, 6, 1), "y": (1, 3)})
    (photos / "cat" / "051.png").write_bytes((photos / "cat" / "000.png").read_bytes()[:45])
    assert "cat/051.png is no image that can be read" in failure(f"{photos},scale=0..1", GRAY)
    png(photos / "cat" / "051.png", np.full((4, 6), 4000, np.uint16))
    assert "051.png has pixels of more than 8 bits" in failure(f"{photos},scale=0..1", GRAY)
    png(photos / "loose.png", np.zeros((4, 6), np.uint8))
    assert "photos has files beside its folders of classes, as loose.png" in failure(f"{photos},scale=0..1", GRAY)
    (photos / "loose.png").unlink()
    (photos / "eel").mkdir()
    assert "the class eel of photos has no samples" in failure(f"{photos},scale=0..1", GRAY)
    wav(photos / "eel" / "x.wav", [1, 2])
    assert "photos has images and recordings" in failure(f"{photos},scale=0..1", GRAY)


@pytest.mark.parametrize(("width", "steps"), [(1, [-128, 64]), (2, [-32768, 16384]), (3, [-(2**23), 2**22])])
def test_sounds_of_every_width(tmp_path: Path, width: int, steps: list[int]) -> None:
    wav(tmp_path / "s" / "x.wav", steps * 4, width)
    dataset = load_data(str(tmp_path / "s"), SOUND)
    assert values_of(dataset).tolist() == [[-1, 0.5] * 4]
    assert (dataset.y_test, dataset.labels) == (None, ())


def test_sounds_become_windows(tmp_path: Path) -> None:
    folder = tmp_path / "s"
    wav(folder / "yes" / "long.wav", list(range(19)))
    wav(folder / "no" / "short.wav", [3, 5, 7], channels=1)
    wav(folder / "no" / "two.wav", [2, 4] * 8, channels=2)
    dataset = load_data(f"{folder},hop=5,scale=-32768..32768", {"x": (1, 8, 1)})
    x = values_of(dataset)[:, :, 0]
    assert x.tolist() == [
        [3, 5, 7, 0, 0, 0, 0, 0],
        [3] * 8,
        list(range(8)),
        list(range(5, 13)),
        list(range(10, 18)),
    ]
    assert dataset.y_test is not None
    assert dataset.y_test.tolist() == [0, 0, 1, 1, 1]
    assert (dataset.labels, dataset.test_source) == (("no", "yes"), "5 windows of s (3 files)")


def test_what_sounds_may_not_be(tmp_path: Path) -> None:
    folder = tmp_path / "s"
    wav(folder / "a.wav", [1] * 20)
    assert "is not raw sound" in failure(str(folder), {"x": (1, 49, 10, 1)})
    assert "a.wav has 16000 Hz, not 8000" in failure(f"{folder},rate=8000", SOUND)
    assert "hop=0 is not a whole number above 0" in failure(f"{folder},hop=0", SOUND)
    wav(folder / "b.wav", [1] * 20, rate=8000)
    assert "b.wav has 8000 Hz, not 16000" in failure(str(folder), SOUND)
    content = (folder / "a.wav").read_bytes()
    (folder / "b.wav").write_bytes(content[:-10])
    assert "b.wav is cut off: its header tells of 20 frames, 15 are there" in failure(str(folder), SOUND)
    wav(folder / "b.wav", [])
    assert "s/b.wav has no sound" in failure(str(folder), SOUND)
    wide = content[:32] + struct.pack("<HH", 5, 40) + content[36:]
    (folder / "b.wav").write_bytes(wide)
    assert "b.wav is no PCM .wav file: 40 bits a sample" in failure(str(folder), SOUND)
    (folder / "b.wav").write_bytes(content[:20] + struct.pack("<H", 3) + content[22:])
    assert "s/b.wav is no PCM .wav file: unknown format: 3 | save it as 16-bit PCM" in failure(str(folder), SOUND)


def table(path: Path, text: str) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return str(path)


def test_a_table_becomes_windows(tmp_path: Path) -> None:
    rows = "".join(f"{i},{i + 0.5}\n" for i in range(10))
    plain = values_of(load_data(table(tmp_path / "a.csv", rows), SERIES))
    assert plain.shape == (2, 4, 2)
    assert plain[1].tolist() == [[4, 4.5], [5, 5.5], [6, 6.5], [7, 7.5]]
    hopped = values_of(load_data(f"{tmp_path / 'a.csv'},hop=3", {"x": (1, 8)}))
    assert hopped[:, 0].tolist() == [0, 3, 6]
    turned = values_of(load_data(str(tmp_path / "a.csv"), {"x": (1, 2, 4)}))
    np.testing.assert_array_equal(turned, plain.swapaxes(1, 2))
    one = values_of(load_data(f"{tmp_path / 'a.csv'},columns=1", {"x": (1, 5, 1)}))
    assert one[1, :, 0].tolist() == [5.5, 6.5, 7.5, 8.5, 9.5]


def test_no_window_spans_two_classes(tmp_path: Path) -> None:
    body = [("walk", 9), ("run", 3), ("walk", 5), ("run", 4)]
    rows = [f"{1000 + i};{i};{-i};{name}" for i, name in enumerate(n for n, k in body for _ in range(k))]
    spec = table(tmp_path / "a.csv", "time;ax;ay;activity\n" + "\n".join(rows) + "\n\n")
    dataset = load_data(f"{spec},columns=ay+ax,label=activity", SERIES)
    assert values_of(dataset)[:, 0, 1].tolist() == [0, 4, 12, 17]
    assert values_of(dataset)[:, 0, 0].tolist() == [0, -4, -12, -17]
    assert dataset.y_test is not None
    assert (dataset.y_test.tolist(), dataset.labels) == ([1, 1, 1, 0], ("run", "walk"))
    numbered = table(tmp_path / "n.csv", "a,b,label\n" + "1,2,10\n" * 4 + "1,2,2\n" * 4)
    dataset = load_data(numbered, SERIES)
    assert dataset.y_test is not None
    assert (dataset.y_test.tolist(), dataset.labels) == ([10, 2], ())


def test_a_folder_of_tables(tmp_path: Path) -> None:
    for name, count in (("up", 8), ("down", 4)):
        table(tmp_path / "t" / name / "1.csv", "\ufeffa,b\n" + f"1,{count}\n" * count)
    dataset = load_data(str(tmp_path / "t"), SERIES)
    assert dataset.y_test is not None
    assert (dataset.y_test.tolist(), dataset.labels) == ([0, 1, 1], ("down", "up"))
    table(tmp_path / "t" / "up" / "2.csv", "a,b,c\n1,2,3\n")
    assert "2.csv has other columns than 1.csv" in failure(str(tmp_path / "t"), SERIES)


def test_what_tables_may_not_be(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    cases = {
        "a,b\n1,2\n3\n": "line 3 of a.csv has 1 cells, the first has 2",
        "a,b\n1,2\n3,x\n": "line 3 of a.csv has 'x' in column b, which is no number",
        "a,b\n": "a.csv has no rows of values",
        "": "a.csv has no column",
        "a,b\n1,2\n": "a window of the model has 4 rows, the longest stretch of a.csv has 1",
        "a,b,c\n1,2,3\n": "a.csv has 3 columns of values, which do not fit the model's input (N, 4, 2)",
        "a,b\n" + "1,nan\n" * 4: "4 values that are NaN or infinite",
        'a,b\n"1,2\n': "line 2 of a.csv has 1 cells",
    }
    for text, said in cases.items():
        assert said in failure(table(path, text), SERIES), text
    table(path, "a,b\n1,2\n")
    assert "a.csv has no column d | it has a, b" in failure(f"{path},label=d", SERIES)
    path.write_bytes(b"a,b\n\xff,2\n")
    assert "a.csv is no CSV in UTF-8" in failure(str(path), SERIES)


@damaged
@given(data=st.data())
def test_damage_never_gives_a_traceback(tmp_path: Path, data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(["png", "wav", "csv"]))
    path = tmp_path / kind / f"x.{kind}"
    if kind == "png":
        png(path, np.arange(24, dtype=np.uint8).reshape(4, 6))
    elif kind == "wav":
        wav(path, list(range(20)))
    else:
        table(path, "a,b\n" + "1.5,2e3\n" * 5)
    content = bytearray(path.read_bytes())
    for place in data.draw(st.lists(st.integers(0, len(content) - 1), max_size=4)):
        content[place] = data.draw(st.integers(0, 255))
    path.write_bytes(bytes(content[: data.draw(st.integers(0, len(content)))]))
    spec, shapes = {
        "png": (f"{path.parent},scale=0..1", GRAY),
        "wav": (str(path.parent), SOUND),
        "csv": (str(path.parent), SERIES),
    }[kind]
    with contextlib.suppress(TinygenError):
        load_data(spec, shapes)


def test_specs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("a.npz", "odd,scale=1.npz"):
        Path(name).touch()
    Path("photos").mkdir()
    assert parse_spec("a.npz:k").key == "k"
    assert parse_spec("odd,scale=1.npz").options == {}
    found = parse_spec("photos/,scale=-1..1,resize=crop")
    assert (found.path, found.options) == (Path("photos"), {"scale": "-1..1", "resize": "crop"})
    assert found.absolute == f"{tmp_path / 'photos'},scale=-1..1,resize=crop"
    assert parse_spec(f"{parse_spec('a.npz:k').absolute}").key == "k"
    for spec in ("", ",scale=1", "no", "no:function"):
        with pytest.raises(TinygenError):
            parse_spec(spec)


def test_functions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    table(
        tmp_path / "my" / "samples.py",
        "import numpy as np\n"
        "def both():\n    print('hello')\n    return np.arange(10.0).reshape(5, 2), [0, 1, 0, 1, 0]\n"
        "def fails():\n    raise ValueError('no\\nsuch file')\n"
        "def leaves():\n    import os\n    os._exit(3)\n"
        "def odd():\n    return [[1, 2], [3]]\n",
    )
    assert function_name("my.samples:both") == ("my.samples", "both")
    assert function_name("os:getcwd") is None  # only what lies in the current folder
    spec = settled("my.samples:both", Path("m.h5"))
    dataset = load_data(spec, {"x": (1, 2)})
    assert values_of(dataset).tolist() == np.arange(10.0).reshape(5, 2).tolist()
    assert dataset.y_test is not None
    assert dataset.y_test.tolist() == [0, 1, 0, 1, 0]
    assert dataset.test_source == "x_test of my.samples.both.npz"
    assert capfd.readouterr() == ("", "hello\n")
    for name, said in {
        "fails": "my.samples:fails: ValueError: no such file",
        "leaves": "my.samples:leaves ended its process with code 3",
        "odd": "my.samples:odd: x is not an array",
        "nothing": "my.samples:nothing: there is no such function in my.samples",
    }.items():
        with pytest.raises(TinygenError) as caught:
            call_function("my.samples", name)
        assert str(caught.value).startswith(said)
        if name == "fails":
            assert caught.value.hint == "see samples.py, line 6"


def test_only_a_model_that_does_not_scale_needs_to_be_told(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def config(*kinds: str) -> dict[str, object]:
        layers = [{"class_name": kind, "config": {}} for kind in kinds]
        return {"class_name": "Sequential", "config": {"layers": layers}}

    for kinds, scales in {
        ("InputLayer", "Resizing", "Rescaling", "Conv2D"): True,
        ("InputLayer", "RandomFlip", "Normalization"): True,
        ("InputLayer", "Conv2D", "Rescaling"): False,
        ("InputLayer",): False,
    }.items():
        monkeypatch.setattr(settle, "_config", lambda model, kinds=kinds: config(*kinds))
        if scales:
            assert settled(str(photos), Path("m.keras")) == f"{photos},scale=0..255"
        else:
            with pytest.raises(TinygenError, match="how the pixels of photos were scaled"):
                settled(str(photos), Path("m.keras"))
    assert settled(f"{photos},scale=0..1", Path("m.keras")) == f"{photos},scale=0..1"
