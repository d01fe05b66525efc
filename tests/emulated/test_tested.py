"""What `tinygen test` leaves behind: gates, JUnit XML, a page in a real browser, a state file that survives a kill."""

from __future__ import annotations

import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest

from tests.support.browser import look_at, needs_browser
from tests.support.cli import REPOSITORY, tinygen
from tests.support.tflite_builder import ModelBuilder
from tinygen.boards import get_board
from tinygen.emulator import running
from tinygen.load.tflite import parse_tflite
from tinygen.load.vectors import save_vectors
from tinygen.pipeline import compile_model
from tinygen.reference import run
from tinygen.render.model import library_files
from tinygen.request import make_request
from tinygen.stack import invoke_stack

EVIL = "a/<b>&\"'\x07</script><script>console.error('evil')</script>"
SAMPLES = 400


def classifier() -> bytes:
    """A convolution with a name that nobody should trust, and 4 scores."""
    m = ModelBuilder()
    x = m.input((1, 6, 6, 2), 0.1)
    y = m.tensor((1, 6, 6, 4), 0.5, name=EVIL)
    weights = m.constant(((np.arange(72) * 5) % 23 - 11).astype(np.int8).reshape(4, 3, 3, 2), 0.1)
    m.op("CONV_2D", [x, weights], [y], strideH=1, strideW=1, dilationHFactor=1, dilationWFactor=1, padding=0)
    z = m.tensor((1, 4), 2.0, name="scores")
    dense = m.constant(((np.arange(576) * 7) % 19 - 9).astype(np.int8).reshape(4, 144), 0.1)
    m.op("FULLY_CONNECTED", [y, dense], [z])
    return m.build([z])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """model.tflite, and v.npz: its answers, made-up float answers near them, and classes of which a tenth are wrong."""
    folder = tmp_path_factory.mktemp("tested")
    content = classifier()
    (folder / "model_a.tflite").write_bytes(content)
    graph = parse_tflite(content, "m", "m")
    rng = np.random.default_rng(2)
    inputs = rng.integers(-128, 128, (SAMPLES, 1, 6, 6, 2)).astype(np.int8)
    outputs = np.stack([run(graph, (x,))[0] for x in inputs])
    floats = (outputs.astype(np.float32) - graph.tensors[graph.outputs[0]].zero_point) * 2.0
    classes = floats[:, 0].argmax(axis=1)
    classes[::10] = (classes[::10] + 1) % 4
    save_vectors(
        folder / "v.npz",
        model_sha256=hashlib.sha256(content).hexdigest(),
        int8_inputs={graph.tensors[graph.inputs[0]].name: inputs[:, 0]},
        int8_outputs=[outputs[:, 0]],
        float_outputs=[floats[:, 0] + rng.normal(0, 0.1, (SAMPLES, 4)).astype(np.float32)],
        y_test=classes,
        labels=("down", "<b>up</b>", "left & right", "silence"),
    )
    return folder


def command(*more: str, samples: int = 60) -> tuple[str, ...]:
    arguments = ("test", "--board", "host", "--json", "--data", "v.npz", "--samples", str(samples))
    return (*arguments, *more, "model_a.tflite")


def test_gates_junit_and_page(folder: Path) -> None:
    limits = ("--min-accuracy", "0.8", "--max-error", "0.0001", "--min-agreement", "0.5")
    files = ("--junit", "r.xml", "--html", "r.html")
    result = tinygen(*command("--layers", "--baud", "9600", *limits, *files), cwd=folder)
    assert result.code == 1
    assert "host: --max-error of model_a: error 0." in result.error()
    report = json.loads(result.out)
    assert report["pass"] is False
    settings = (folder / "model_a-host" / "layers" / "tinygen.ini").read_text()
    assert "-DTG_BAUD=9600" in settings
    assert "monitor_speed = 115200" in settings  # of the application
    assert report["baud"] == 9600
    assert report["bit_exact"] == report["outputs"] == 240
    assert [(g["name"], g["pass"]) for g in report["gates"]] == [
        ("min-accuracy", True),
        ("max-error", False),
        ("min-agreement", True),
    ]
    assert report["gates"][1]["value"] == report["max_error"]
    assert report["accuracy_device"] == report["gates"][0]["value"] == 0.9
    (suite,) = ET.parse(folder / "r.xml").getroot()
    cases = {case.attrib["name"]: case.find("failure") for case in suite.iter("testcase")}
    assert (suite.attrib["tests"], suite.attrib["failures"]) == (str(len(cases)), "1") == ("6", "1")
    failure = cases["--max-error 0.0001"]
    assert failure is not None
    assert "at most 0.0001 wanted" in failure.attrib["message"]
    assert any(name.startswith("layer 0 CONV_2D a/<b>&") for name in cases)


@needs_browser
def test_the_page_in_a_browser(folder: Path) -> None:
    if not (folder / "r.html").exists():
        tinygen(*command("--layers", "--html", "r.html"), cwd=folder)
    wide, phone = look_at(folder / "r.html", 1280), look_at(folder / "r.html", 390)
    for seen, width in ((wide, 1280), (phone, 390)):
        assert seen.console == ()
        assert seen.width == width
        assert seen.scroll_width <= width, "the page is wider than its window"
        assert seen.picture.startswith(b"\x89PNG")
        assert len(seen.picture) > 10_000
    assert phone.height > wide.height
    text = (folder / "r.html").read_text()
    for part in ("Confusion matrix", "Memory over time", "Size", "Speed", "device less float", "&lt;b&gt;up&lt;/b&gt;"):
        assert part in text
    assert "<script" not in text
    assert not re.search(r"""(src|href)=["'](?!data:|#)|url\(|@import""", text), "the page needs other files"
    assert text.count("<svg") == 2


@needs_browser
def test_the_browser_tells_what_goes_wrong(tmp_path: Path) -> None:
    body = "<body style='width:2000px'><script>console.error('x')</script></body>"
    (tmp_path / "bad.html").write_text(f"<!DOCTYPE html><html><head></head>{body}</html>")
    seen = look_at(tmp_path / "bad.html", 390)
    assert seen.console
    assert seen.scroll_width > 390


def test_a_baud_rate_that_the_board_does_not_take(folder: Path) -> None:
    result = tinygen("test", "--board", "uno", "--baud", "1000000", "model_a.tflite", cwd=folder)
    assert result.code == 2
    assert "uno takes up to 250000 baud" in result.error()
    assert not (folder / "model_a-uno").exists()


def test_what_the_device_says_of_itself(folder: Path) -> None:
    board = "qemu-cortex-m4"
    report = tinygen("test", "--board", board, "--samples", "3", "--json", "model_a.tflite", cwd=folder).json()
    assert report["device"]["clock_hz"] == get_board(board).clock_hz
    assert 0 < report["device"]["free_ram_bytes"] < get_board(board).ram_bytes
    assert report["device"]["protocol"] == 2
    request = make_request(folder / "model_a.tflite", None, None, {}, False)
    compiled = compile_model(request, None, lambda stage: None, get_board(board).kernels)
    computed = invoke_stack(library_files(compiled.plan, ""), "model_a", get_board(board)).invoke_bytes
    assert computed is not None
    # the allowance for helpers need not be used; an interrupt saves up to 104 bytes and more of its own
    assert computed - 64 <= report["stack_bytes"] <= computed + 64 + 160


def test_a_killed_run_goes_on(folder: Path) -> None:
    assert tinygen(*command(samples=2), cwd=folder).code == 0
    elf = folder / "model_a-host" / ".pio" / "build" / "host_test" / "firmware.elf"
    state = folder / "model_a-host.resume"
    with running(get_board("host"), elf) as url:
        arguments = command("--resume", "--port", url, samples=SAMPLES)
        first = subprocess.Popen(
            [sys.executable, "-m", "tinygen", *arguments],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            deadline = time.monotonic() + 60
            while not (state.exists() and state.read_bytes().count(b"\n") > 20):
                assert first.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.005)
            first.send_signal(signal.SIGKILL)
        finally:
            first.kill()
            first.wait()
        known = state.read_bytes().count(b"\n") - 1
        assert 20 <= known < SAMPLES
        again = tinygen(*arguments, cwd=folder)
        assert f"going on after {known} samples" in again.err
        report = again.json()
        assert report["samples"] == SAMPLES
        assert report["bit_exact"] == report["outputs"] == 4 * SAMPLES
        assert not state.exists()
