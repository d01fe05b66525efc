"""Data files: every layout that load_data takes, and every way a file may be wrong."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from tinygen.errors import TinygenError
from tinygen.load.data import Dataset, find_data, load_data, sample_shape, split_spec

ONE = {"audio": (1, 4, 3, 1)}
TWO = {"left": (1, 4), "right": (1, 2, 2)}
ANY_TIME = {"audio": (1, None, 3)}
property_test = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


def ramp(*shape: int) -> np.ndarray:
    return np.arange(np.prod(shape), dtype=np.float32).reshape(shape)


@pytest.fixture
def save(tmp_path: Path) -> Callable[..., str]:
    def write(**arrays: Any) -> str:
        np.savez(tmp_path / "d.npz", **arrays)
        return str(tmp_path / "d.npz")

    return write


def failure(spec: str, shapes: Any = ONE, **options: str) -> str:
    """What load_data says about a file, message and hint."""
    with pytest.raises(TinygenError) as caught:
        load_data(spec, shapes, **options)
    assert "\n" not in str(caught.value)
    return f"{caught.value} | {caught.value.hint}"


def samples_of(dataset: Dataset) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    assert dataset.calibration is not None
    assert dataset.test is not None
    return dict(dataset.calibration), dict(dataset.test)


def test_npy_serves_both_purposes(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", ramp(5, 4, 3, 1))
    dataset = load_data(str(tmp_path / "x.npy"), ONE)
    assert dataset.calibration is dataset.test
    assert dataset.calibration_source == "x.npy"
    np.testing.assert_array_equal(samples_of(dataset)[0]["audio"], ramp(5, 4, 3, 1))
    assert "no keys" in failure(f"{tmp_path / 'x.npy'}:x")
    assert "2 inputs (left, right)" in failure(str(tmp_path / "x.npy"), TWO)


def test_named_layout(save: Callable[..., str]) -> None:
    labels = np.array(["yes", "nö"])
    spec = save(x_calibration=ramp(5, 4, 3, 1), x_test=-ramp(2, 4, 3, 1), y_test=np.array([[1], [0]]), labels=labels)
    dataset = load_data(spec, ONE)
    calibration, test = samples_of(dataset)
    assert calibration["audio"].shape == (5, 4, 3, 1)
    np.testing.assert_array_equal(test["audio"], -ramp(2, 4, 3, 1))
    assert dataset.y_test is not None
    assert dataset.y_test.tolist() == [1, 0]
    assert dataset.y_test.dtype == np.int64
    assert dataset.labels == ("yes", "nö")
    assert (dataset.calibration_source, dataset.test_source) == ("x_calibration of d.npz", "x_test of d.npz")
    assert (dataset.int8_outputs, dataset.float_outputs, dataset.model_sha256) == ((), (), "")


def test_only_calibration_is_needed_and_only_test_is_possible(save: Callable[..., str]) -> None:
    dataset = load_data(save(x_calibration=ramp(5, 4, 3, 1), other=ramp(5, 4, 3, 1)), ONE)
    assert dataset.test is dataset.calibration
    assert dataset.test_source == "x_calibration of d.npz"
    dataset = load_data(save(x_test=ramp(3, 4, 3, 1), y_test=[0, 1, 2], labels=np.array([b"a", b"b", b"c"])), ONE)
    assert dataset.calibration is None
    assert dataset.calibration_source == ""
    assert dataset.labels == ("a", "b", "c")


def test_other_npz_the_only_array_that_fits(save: Callable[..., str]) -> None:
    spec = save(specs=ramp(5, 4, 3, 1), labels=np.zeros(5), more=ramp(4, 3, 1))
    dataset = load_data(spec, ONE)
    assert dataset.calibration_source == "specs of d.npz"
    assert dataset.test is dataset.calibration
    assert dataset.labels == ()  # numbers, in a file that does not follow tinygen's names
    message = failure(spec, {"image": (1, 7, 7)})
    assert "no array of d.npz fits the model's input (N, 7, 7)" in message
    assert "specs (5, 4, 3, 1), labels (5,), more (4, 3, 1)" in message


def test_other_npz_several_fit(save: Callable[..., str]) -> None:
    spec = save(a=ramp(5, 4, 3, 1), b=ramp(6, 4, 3, 1))
    assert "several arrays of d.npz fit the model's input (N, 4, 3, 1): a, b | name one: d.npz:a" in failure(spec)
    assert len(samples_of(load_data(f"{spec}:b", ONE))[0]["audio"]) == 6
    spec = save(a=ramp(5, 4, 3, 1), audio=ramp(6, 4, 3, 1))
    assert load_data(spec, ONE).calibration_source == "audio of d.npz"


def test_a_key_by_name(save: Callable[..., str]) -> None:
    spec = save(x_calibration=ramp(5, 4, 3, 1), x_test=ramp(2, 4, 3, 1), y_test=[1, 0], labels=np.array(["a", "b"]))
    dataset = load_data(f"{spec}:x_test", ONE)
    assert dataset.calibration is dataset.test
    assert dataset.y_test is not None
    assert dataset.y_test.tolist() == [1, 0]
    dataset = load_data(f"{spec}:x_calibration", ONE)
    assert dataset.y_test is None
    assert dataset.labels == ("a", "b")
    message = failure(f"{spec}:nothing")
    assert "d.npz has no array nothing" in message
    assert "x_test (2, 4, 3, 1)" in message


def test_several_inputs(save: Callable[..., str]) -> None:
    dataset = load_data(save(right=ramp(3, 2, 2), left=ramp(3, 4)), TWO)
    assert list(samples_of(dataset)[0]) == ["left", "right"]
    names = {"x_calibration_left": ramp(5, 4), "x_calibration_right": ramp(5, 2, 2), "x_test_left": ramp(2, 4)}
    dataset = load_data(save(**names, x_test_right=ramp(2, 2, 2), y_test=[4, 5]), TWO)
    calibration, test = samples_of(dataset)
    assert [len(calibration[name]) for name in TWO] == [5, 5]
    assert [len(test[name]) for name in TWO] == [2, 2]
    assert "has no x_test_right" in failure(save(**names), TWO)
    assert "different numbers of samples (left 3, right 4)" in failure(save(left=ramp(3, 4), right=ramp(4, 2, 2)), TWO)
    assert "lacks an array for each input (left, right)" in failure(save(left=ramp(3, 4)), TWO)
    assert "left of d.npz is one array" in failure(f"{save(left=ramp(3, 4))}:left", TWO)


def test_sample_shape_and_unknown_dimensions(save: Callable[..., str]) -> None:
    assert [sample_shape(s) for s in [(1, 4), (None, 4), (10,), (1,), (), (2, 4)]] == [
        (4,),
        (4,),
        (10,),
        (),
        (),
        (2, 4),
    ]
    assert samples_of(load_data(save(x=ramp(2, 9, 3)), ANY_TIME))[0]["audio"].shape == (2, 9, 3)
    assert "needs (N, any, 3)" in failure(save(x_test=ramp(2, 9, 4)), ANY_TIME)
    assert samples_of(load_data(save(x=ramp(7)), {"level": (1,)}))[0]["level"].shape == (7,)
    assert "(N,)" in failure(save(x=ramp(7, 1)), {"level": (1,)})


@pytest.mark.parametrize("dtype", ["float16", "float64", ">f4", "uint8", "int32", "bool"])
def test_numbers_become_float32(save: Callable[..., str], dtype: str) -> None:
    values = samples_of(load_data(save(x=np.ones((2, 4, 3, 1), dtype)), ONE))[0]["audio"]
    assert values.dtype == np.float32
    assert (values == 1).all()


def test_int8_stays_raw(save: Callable[..., str]) -> None:
    values = samples_of(load_data(save(x=np.full((2, 4, 3, 1), -7, np.int8)), ONE))[0]["audio"]
    assert values.dtype == np.int8
    assert (values == -7).all()


def test_nan_is_counted_and_named(save: Callable[..., str]) -> None:
    x = ramp(5, 4, 3, 1)
    x[2, 0, 0, 0] = x[4, 1, 1, 0] = np.nan
    message = failure(save(x_calibration=x))
    assert "x_calibration of d.npz has 2 values that are NaN or infinite" in message
    assert "first in sample 2" in message
    assert "1 values" in failure(save(x_test=np.full((1, 4, 3, 1), 1e300) * (ramp(1, 4, 3, 1) == 0)))


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (ramp(5, 4, 3), "shape (5, 4, 3), the model's input needs (N, 4, 3, 1) | .*x.reshape(-1, 4, 3, 1)"),
        (ramp(4, 3, 1), "shape (4, 3, 1), the model's input needs (N, 4, 3, 1)"),
        (ramp(5, 12), "x.reshape(-1, 4, 3, 1) has the right shape"),
        (ramp(5, 4, 3, 2), "the model's input needs (N, 4, 3, 1) | N is the number of samples$"),
        (np.float32(3), "shape (), the model's input needs"),
        (ramp(0, 4, 3, 1), "has no samples"),
        (np.full((2, 4, 3, 1), "a"), "holds <U1, not numbers"),
        (np.full((2, 4, 3, 1), 1j), "holds complex128, not numbers"),
        (np.full((2, 4, 3, 1), None), "holds Python objects"),
    ],
)
def test_wrong_samples(save: Callable[..., str], array: Any, expected: str) -> None:
    pattern = re.escape(expected).replace(r"\.\*", ".*").replace(r"\$", "$")
    assert re.search(pattern, failure(save(x_calibration=array)))


@pytest.mark.parametrize(
    ("y_test", "expected"),
    [
        ([0, 1, 2], "y_test of d.npz has 3 entries for 2 test samples"),
        (np.eye(2), "one class number per sample | from one-hot rows: np.argmax"),
        ([0.5, 1], "entries that are not 0, 1, 2"),
        ([0, -1], "entries that are not 0, 1, 2"),
        ([0, np.nan], "entries that are not 0, 1, 2"),
        (["a", "b"], "one class number per sample"),
        (np.array([0, None]), "y_test of d.npz holds Python objects"),
        ([0, 2], "labels of d.npz names 2 classes, but y_test has class 2"),
    ],
)
def test_wrong_classes(save: Callable[..., str], y_test: Any, expected: str) -> None:
    assert expected in failure(save(x_test=ramp(2, 4, 3, 1), y_test=y_test, labels=np.array(["a", "b"])))


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ([1, 2], "must be a list of strings"),
        ([["a"], ["b"]], "must be a list of strings"),
        (np.array(["a", None]), "labels of d.npz holds Python objects"),
        (np.array([b"\xff"]), "not UTF-8"),
    ],
)
def test_wrong_labels(save: Callable[..., str], labels: Any, expected: str) -> None:
    assert expected in failure(save(x_test=ramp(2, 4, 3, 1), labels=labels))


def test_classes_need_test_samples(save: Callable[..., str]) -> None:
    assert "y_test but no x_test" in failure(save(x_calibration=ramp(2, 4, 3, 1), y_test=[0, 1]))


def test_files_that_are_no_data(tmp_path: Path, save: Callable[..., str]) -> None:
    assert "there is no data file" in failure(str(tmp_path / "no.npz"))
    assert "there is no data file" in failure(f"{tmp_path / 'no.npz'}:key")
    assert "has no images, .wav or .csv files" in failure(str(tmp_path))
    (tmp_path / "text.npz").write_text("1,2,3")
    assert "neither an .npy nor an .npz" in failure(str(tmp_path / "text.npz"))
    (tmp_path / "empty.npz").write_bytes(b"")
    assert "neither an .npy nor an .npz" in failure(str(tmp_path / "empty.npz"))
    np.save(tmp_path / "objects.npy", np.array([None]))
    assert "holds Python objects" in failure(str(tmp_path / "objects.npy"))
    assert "fits the model's input (N, 4, 3, 1) | it has: nothing" in failure(save())


def test_split_spec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("plain.npz", "with:colon.npz", "plain.npz:x"):
        Path(name).touch()
    assert split_spec("plain.npz") == (Path("plain.npz"), None)
    assert split_spec("with:colon.npz") == (Path("with:colon.npz"), None)
    assert split_spec("with:colon.npz:key") == (Path("with:colon.npz"), "key")
    assert split_spec("plain.npz:x") == (Path("plain.npz:x"), None)
    assert split_spec("plain.npz:a/b") == (Path("plain.npz"), "a/b")
    assert split_spec(str(tmp_path / "plain.npz") + ":y") == (tmp_path / "plain.npz", "y")
    for spec in ("plain.npz:", ":x", "", "C:\\no.npz", "a:b:c"):
        with pytest.raises(TinygenError):
            split_spec(spec)


def test_find_data(tmp_path: Path) -> None:
    assert find_data(tmp_path / "kws.h5") is None
    (tmp_path / "kws.npz").touch()
    assert find_data(tmp_path / "kws.h5") == tmp_path / "kws.npz"
    (tmp_path / "kws.v2.npz").mkdir()
    assert find_data(tmp_path / "kws.v2.h5") is None


@property_test
@given(
    array=npst.arrays(
        st.sampled_from([np.float16, np.float32, np.int16, np.uint8]), st.tuples(*[st.integers(1, 4)] * 3)
    )
)
def test_any_finite_array_is_kept(tmp_path: Path, array: np.ndarray) -> None:
    np.savez(tmp_path / "p.npz", x=array)
    spec, shapes = str(tmp_path / "p.npz"), {"in": (1, *array.shape[1:])}
    if np.isfinite(array).all():
        values = samples_of(load_data(spec, shapes))[1]["in"]
        assert values.dtype == np.float32
        np.testing.assert_array_equal(values, array.astype(np.float32))
    else:
        assert f"{np.count_nonzero(~np.isfinite(array))} values" in failure(spec, shapes)


@property_test
@given(
    start=st.sampled_from([b"", b"PK\x03\x04", b"\x93NUMPY", b"\x93NUMPY\x01\x00\x46\x00"]),
    rest=st.binary(max_size=300),
)
def test_random_bytes_are_an_error(tmp_path: Path, start: bytes, rest: bytes) -> None:
    (tmp_path / "r.npz").write_bytes(start + rest)
    failure(str(tmp_path / "r.npz"))


@property_test
@given(data=st.data())
def test_damaged_files_never_give_a_traceback(tmp_path: Path, save: Callable[..., str], data: st.DataObject) -> None:
    path = Path(
        save(x_calibration=ramp(2, 4, 3, 1), y_test=[0, 1], x_test=ramp(2, 4, 3, 1), labels=np.array(["a", "b"]))
    )
    content = bytearray(path.read_bytes())
    cut = data.draw(st.integers(0, len(content)))
    for place in data.draw(st.lists(st.integers(0, len(content) - 1), max_size=3)):
        content[place] = data.draw(st.integers(0, 255))
    path.write_bytes(bytes(content[:cut]))
    with contextlib.suppress(TinygenError):
        load_data(str(path), ONE)


def test_reference_data(shared_models: Path) -> None:
    """The samples that come with the reference models are for one of them; the others say what there is."""
    spec = str(shared_models / "calibration_samples.npz")
    for text in (spec, f"{spec}:specs"):
        dataset = load_data(text, {"input_1": (1, 30, 1, 40)})
        assert samples_of(dataset)[0]["input_1"].shape == (45, 30, 1, 40)
        assert (dataset.calibration_source, dataset.labels) == ("specs of calibration_samples.npz", ())
    for shape in ((1, 640), (1, 32, 32, 3), (1, 96, 96, 3)):
        assert "specs (45, 30, 1, 40), labels (45,)" in failure(spec, {"input_1": shape})
        assert "specs of calibration_samples.npz has shape" in failure(f"{spec}:specs", {"input_1": shape})
