"""The child process from the parent's side, with other children in its place: no TensorFlow here."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tinygen.errors import TinygenError
from tinygen.load import worker_client
from tinygen.load.keras_job import Quality
from tinygen.load.subset import Coverage
from tinygen.load.worker_client import predict_float, quantize_model

POSIX = pytest.mark.skipif(os.name != "posix", reason="signals are POSIX")
Child = Callable[[str], None]


@pytest.fixture
def child(monkeypatch: pytest.MonkeyPatch) -> Child:
    """Let this Python code run in the place of the worker. `say(key, value)` is defined in it."""

    def set_code(code: str) -> None:
        say = "import json, os, sys, time\ndef say(k, v): print(json.dumps({k: v}), flush=True)\n"
        monkeypatch.setattr(
            worker_client, "_command", lambda job_file, module: [sys.executable, "-c", say + code, str(job_file)]
        )
        monkeypatch.setattr("importlib.util.find_spec", lambda name: object())

    return set_code


@pytest.fixture
def out(tmp_path: Path) -> Path:
    (tmp_path / "out.tflite").write_bytes(b"before")
    return tmp_path / "out.tflite"


def failure(out: Path, progress: Callable[[str], None] = lambda stage: None) -> str:
    """What quantize_model says; nothing may be written."""
    with pytest.raises(TinygenError) as caught:
        quantize_model(Path("kws.h5"), out, progress=progress)
    assert "\n" not in str(caught.value)
    assert out.read_bytes() == b"before"
    assert [path.name for path in out.parent.iterdir()] == ["out.tflite"]
    return f"{caught.value} | {caught.value.hint}"


RESULT = {
    "kind": "h5",
    "inputs": [["audio", [1, 4]]],
    "outputs": [["classes", [1, 2]]],
    "calibration": "x of y, 3 samples",
    "samples": 3,
    "random": False,
    "recurrent": ["layer 'gru': unrolled over 4 steps"],
    "quality": {"plain_sqnr_db": 30.5, "sqnr_db": 33.0, "remedies": ["biases corrected"]},
    "coverage": {"samples": 3, "of_samples": 9, "classes": None, "of_classes": None, "ranges": [["audio", 0.5]]},
}
WRITE = "open('model.tflite', 'wb').write(b'new')\n"


def test_a_good_child(child: Child, out: Path) -> None:
    child(f"print('noise from a library')\nsay('progress', 'loading')\n{WRITE}say('result', {RESULT!r})")
    stages: list[str] = []
    result = quantize_model(Path("kws.h5"), out, progress=stages.append)
    assert out.read_bytes() == b"new"
    assert stages == ["loading"]
    assert result.input_shapes == {"audio": (1, 4)}
    assert [(t.name, t.shape) for t in result.outputs] == [("classes", (1, 2))]
    assert (result.calibration, result.calibration_samples, result.random_calibration) == (
        "x of y, 3 samples",
        3,
        False,
    )
    assert result.recurrent == ("layer 'gru': unrolled over 4 steps",)
    assert result.quality == Quality(30.5, 33.0, ("biases corrected",))
    assert result.coverage == Coverage(3, 9, None, None, (("audio", 0.5),))
    assert result.float_outputs == ()


def test_the_job_and_the_environment(child: Child, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    monkeypatch.setenv("TF_USE_LEGACY_KERAS", "1")
    np.savez(out.parent / "d.npz", x=np.zeros(1))
    (out.parent / "photos").mkdir()
    report = out.parent / "report.json"
    child(
        f"job = json.load(open(sys.argv[1]))\n{WRITE}"
        f"json.dump([job, os.getcwd(), dict(os.environ)], open({str(report)!r}, 'w'))\nsay('result', {RESULT!r})"
    )
    monkeypatch.chdir(out.parent)
    other = "photos,scale=0..1"
    shapes = {"a": (1, 2)}
    quantize_model(
        Path("kws.h5"), out, data="d.npz:x", calibration=other, input_shapes=shapes, predict=True, allow_lambda=True
    )
    job, folder, environment = json.loads(report.read_text())
    assert job["model"] == str((out.parent / "kws.h5").resolve())
    assert job["data"] == str((out.parent / "d.npz").resolve()) + ":x"
    assert job["calibration"] == str((out.parent / "photos").resolve()) + ",scale=0..1"
    assert (job["input_shapes"], job["predict"], job["allow_lambda"], job["quantize"]) == (
        {"a": [1, 2]},
        True,
        True,
        True,
    )
    assert not Path(folder).exists()
    assert Path(folder) != out.parent
    assert environment["KERAS_BACKEND"] == "tensorflow"
    assert "TF_USE_LEGACY_KERAS" not in environment


def test_an_error_of_the_worker_is_passed_on(child: Child, out: Path) -> None:
    child("say('error', {'message': 'no good', 'hint': 'do better', 'exit_code': 2}); sys.exit(1)")
    with pytest.raises(TinygenError) as caught:
        quantize_model(Path("kws.h5"), out)
    assert (str(caught.value), caught.value.hint, caught.value.exit_code) == ("no good", "do better", 2)


@POSIX
@pytest.mark.parametrize("name", ["SIGSEGV", "SIGABRT", "SIGBUS"])
def test_a_crash_names_the_signal_and_the_stage(child: Child, out: Path, name: str) -> None:
    child(
        "import resource, signal; resource.setrlimit(resource.RLIMIT_CORE, (0, 0))\n"
        "say('progress', 'loading'); say('progress', 'converting'); sys.stderr.write('Check failed: x > 0\\n')\n"
        f"sys.stderr.flush(); os.kill(os.getpid(), signal.{name})"
    )
    message = failure(out)
    assert f"kws.h5: TensorFlow's process crashed with {name} while it was at: converting" in message
    assert "Check failed: x > 0" in message


@POSIX
def test_killed_for_memory(child: Child, out: Path) -> None:
    child("import signal; say('progress', 'converting'); os.kill(os.getpid(), signal.SIGKILL)")
    assert "was killed while it was at: converting | most likely the memory ran out" in failure(out)


@pytest.mark.parametrize("code", ["raise MemoryError", "sys.stderr.write('std::bad_alloc'); os.abort()"])
def test_out_of_memory(child: Child, out: Path, code: str) -> None:
    child(f"say('progress', 'loading')\nsys.stderr.flush()\n{code}")
    assert "kws.h5: TensorFlow's process ran out of memory while it was at: loading" in failure(out)


def test_a_child_that_hangs_is_ended(child: Child, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Silence is what counts: each message begins the time anew."""
    monkeypatch.setattr(worker_client, "SILENCE_SECONDS", 2.0)
    child("for i in range(5): time.sleep(0.7); say('progress', f'converting {i}')\ntime.sleep(600)")
    began = time.monotonic()
    assert "kws.h5: TensorFlow's process was silent for 0 minutes while it was at: converting 4" in failure(out)
    assert time.monotonic() - began < 60


def test_an_unexpected_exception(child: Child, out: Path) -> None:
    child("say('progress', 'loading')\nraise ImportError('libfoo.so: cannot open shared object')")
    message = failure(out)
    assert "failed while it was at: loading (ImportError: libfoo.so: cannot open shared object)" in message


@pytest.mark.parametrize("code", ["pass", "say('result', {})\nsys.exit(3)", "print('{}'); print('[1]'); print('7')"])
def test_an_end_without_an_answer(child: Child, out: Path, code: str) -> None:
    child(code)
    assert "kws.h5: TensorFlow's process failed" in failure(out)


def test_tensorflow_is_missing(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    message = failure(out)
    assert "kws.h5 needs TensorFlow, which is not installed" in message
    assert "pip install tensorflow" in message


def test_missing_data_is_seen_at_once(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_client, "_run", lambda *arguments: pytest.fail("the child was started"))
    with pytest.raises(TinygenError, match=r"there is no data file no\.npz"):
        quantize_model(Path("kws.h5"), out, data="no.npz")


@POSIX
def test_an_interrupted_build_leaves_no_child(child: Child, out: Path) -> None:
    child("say('progress', str(os.getpid())); time.sleep(600)")
    pids: list[int] = []

    def interrupt(stage: str) -> None:
        pids.append(int(stage))
        raise KeyboardInterrupt

    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        quantize_model(Path("kws.h5"), out, progress=interrupt)
    assert time.monotonic() - began < 60
    with pytest.raises(ProcessLookupError):
        os.kill(pids[0], signal.SIGCONT)
    assert out.read_bytes() == b"before"


def test_the_folder_of_the_result_is_missing(child: Child, tmp_path: Path) -> None:
    child(f"{WRITE}say('result', {RESULT!r})")
    with pytest.raises(TinygenError, match="cannot write"):
        quantize_model(Path("kws.h5"), tmp_path / "no" / "out.tflite")


def test_predict_float_hands_over_samples(child: Child) -> None:
    child(
        "import numpy as np\nwith np.load('samples.npz') as f: x = {k: f[k] for k in f.files}\n"
        "np.savez('outputs.npz', **{'0': x['x_file'] + 1, '1': x['x_a/b']})\n"
        f"say('result', {RESULT!r})"
    )
    outputs = predict_float(Path("kws.h5"), {"file": np.ones((2, 3), np.float32), "a/b": np.zeros((2, 1), np.float32)})
    assert [o.tolist() for o in outputs] == [[[2] * 3] * 2, [[0]] * 2]


def test_importing_imports_neither_tensorflow_nor_h5py() -> None:
    code = (
        "import sys, tinygen.load.worker_client, tinygen.load.data, tinygen.load.vectors\n"
        "print(sorted({'tensorflow', 'keras', 'h5py'} & set(sys.modules)))"
    )
    folder = str(Path(worker_client.__file__).parents[2])
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=folder, check=True)
    assert done.stdout.strip() == "[]"
