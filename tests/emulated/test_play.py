"""Recordings are played into boards sample by sample; every result is that of the numpy pipeline."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.features.test_push import convolution_model
from tests.support.cli import tinygen
from tests.support.feature_models import TABLES, definition, echo_model, noise, speech
from tinygen.boards import get_board
from tinygen.errors import TinygenError
from tinygen.pipeline import Compiled, compile_model, write_board_project
from tinygen.play import PlayedResult, played_of
from tinygen.play import play as play_into
from tinygen.render import project
from tinygen.render.model import library_files
from tinygen.request import make_request
from tinygen.stack import invoke_stack


def write_table(path: Path, name: str, **changed: object) -> None:
    """One of TABLES as a file; strings, numbers and lists of both look in Python as in TOML."""
    path.write_text("".join(f"{key} = {value!r}\n" for key, value in {**TABLES[name], **changed}.items()))


def play(folder: Path, board: str, *more: str) -> Any:
    arguments = ("--board", board, "--recording", "x.npy", "--json", *more)
    return tinygen("play", *arguments, "net.tflite", cwd=folder).json()


def test_streaming_model_hears_speech(tmp_path: Path) -> None:
    """On an emulated Cortex-M4, hop by hop."""
    (tmp_path / "net.tflite").write_bytes(convolution_model(definition("mfcc"), 12))
    write_table(tmp_path / "net.toml", "mfcc")
    np.save(tmp_path / "x.npy", speech()[4000:24000])
    report = play(tmp_path, "qemu-cortex-m4", "--hop", "2")
    assert report["pass"] is True
    assert report["results"] == report["bit_exact"] == 25
    (shown,) = report["recordings"]
    request = make_request(tmp_path / "net.tflite", None, None, {}, False, hop=2)
    board = get_board("qemu-cortex-m4")
    plan = compile_model(request, None, lambda text: None, board.kernels).plan
    computed = invoke_stack(library_files(plan, ""), "net", board).invoke_bytes
    assert 0 < report["stack_bytes"] <= computed <= report["stack_bytes"] + 200
    assert [r["seconds"] for r in shown][:2] == pytest.approx([(11 * 320 + 480) / 16000, (13 * 320 + 480) / 16000])


def test_statistics_on_an_uno(tmp_path: Path) -> None:
    """Three axes, several recordings, in the 2 KB of an ATmega328P."""
    (tmp_path / "net.tflite").write_bytes(echo_model(2, 21))
    write_table(tmp_path / "net.toml", "statistics", stride=1)
    np.save(tmp_path / "x.npy", noise(600, 3).reshape(2, 300, 3))
    report = play(tmp_path, "simavr-uno")
    assert report["pass"] is True
    assert report["results"] == report["bit_exact"] == 2 * 10


def test_a_wrong_sample_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The board hears something else than numpy does at one place: the results of the frames there differ."""
    (tmp_path / "net.tflite").write_bytes(echo_model(1, 40))
    write_table(tmp_path / "net.toml", "log_mel")
    board, samples = get_board("host"), speech()[None, 4000:12000]
    request = make_request(tmp_path / "net.tflite", None, None, {}, False)
    compiled = compile_model(request, None, lambda text: None)
    write_board_project([compiled], board, tmp_path / "p", project.Tester(played=played_of(compiled, samples)))
    changed = samples.copy()
    changed[0, 4200] += 3000

    def differs(r: PlayedResult) -> bool:
        return not r.is_exact

    results = play_into(compiled, samples, board, tmp_path / "p", None, lambda text: None)
    assert not any(map(differs, results.recordings[0]))
    expected = [r.expected for r in results.recordings[0]]
    monkeypatch.setattr("tinygen.play.expected_results", lambda plan, x: expected)
    results = play_into(compiled, changed, board, tmp_path / "p", None, lambda text: None)
    assert [i for i, r in enumerate(results.recordings[0]) if differs(r)] == [12, 13]


def test_refused(tmp_path: Path) -> None:
    (tmp_path / "net.tflite").write_bytes(echo_model(10, 40))
    samples = noise(1000)[None]

    def compiled() -> Compiled:
        return compile_model(make_request(tmp_path / "net.tflite", None, None, {}, False), None, lambda text: None)

    with pytest.raises(TinygenError, match="no front end"):
        played_of(compiled(), samples)
    write_table(tmp_path / "net.toml", "log_mel")
    with pytest.raises(TinygenError, match=r"the first result comes after 0\.21"):
        played_of(compiled(), samples)
