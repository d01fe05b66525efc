"""`tinygen matrix`: pairs that pass, that do not fit, that are only built, and that fail."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from tests.cli.test_size import dense
from tests.support.cli import tinygen
from tests.support.models import small_model, unsupported_model
from tinygen.report.matrix import Pair, matrix_json, matrix_junit


def test_every_model_on_every_board(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "small.tflite").write_bytes(small_model())
    (tmp_path / "models" / "wide.tflite").write_bytes(dense(140_000, 1))
    (tmp_path / "models" / "notes.txt").write_text("no model")
    boards = ("--boards", "qemu-stm32f405,host")
    options = ("--samples", "2", "--json", "--junit", "matrix.xml", "-o", "kept")
    report = tinygen("matrix", "models", *boards, *options, cwd=tmp_path).json()
    outcomes = {(pair["model"], pair["board"]): pair["outcome"] for pair in report["pairs"]}
    assert outcomes == {
        ("small", "qemu-stm32f405"): "passed",
        ("small", "host"): "passed",
        ("wide", "qemu-stm32f405"): "does not fit",
        ("wide", "host"): "passed",
    }
    assert report["pass"] is True
    first = report["pairs"][0]
    assert (first["samples"], first["bit_exact"]) == (2, True)
    assert 12 < first["instructions"] < 1000
    assert report["pairs"][1]["instructions"] is None
    assert (tmp_path / "kept" / "small-host" / "platformio.ini").is_file()
    suites = ET.parse(tmp_path / "matrix.xml").getroot()
    assert [suite.get("name") for suite in suites] == ["qemu-stm32f405", "host"]
    assert [suite.get("skipped") for suite in suites] == ["1", "0"]


def test_a_pair_that_fails_takes_no_other_with_it(tmp_path: Path) -> None:
    (tmp_path / "small.tflite").write_bytes(small_model())
    (tmp_path / "odd.tflite").write_bytes(unsupported_model())
    result = tinygen("matrix", "odd.tflite", "small.tflite", "--boards", "host", "--json", cwd=tmp_path)
    assert "1 of 2 pairs failed; odd on host: " in result.error()
    report = json.loads(result.out)
    assert [pair["outcome"] for pair in report["pairs"]] == ["failed", "passed"]
    assert "RANK" in report["pairs"][0]["detail"] or "UNIQUE" in report["pairs"][0]["detail"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("small.tflite", "--boards", "nowhere"), "no board 'nowhere'"),
        (("empty", "--boards", "host"), "has no model in it"),
        (("small.tflite", "small.tflite", "--boards", "host"), "two models are called 'small'"),
        (("small.tflite", "--boards", "host", "--port", "uno=/dev/ttyACM0"), "names none of --boards"),
        (("nothing.tflite", "--boards", "host"), "does not exist"),
    ],
)
def test_wrong_calls(tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    (tmp_path / "small.tflite").write_bytes(small_model())
    (tmp_path / "empty").mkdir()
    assert said in tinygen("matrix", *arguments, cwd=tmp_path).error()


def test_junit_of_what_went_wrong() -> None:
    pairs = [
        Pair("a", "uno", "failed", "3 of 5 outputs differ\x00 & <more>", 1.5),
        Pair("b", "uno", "built", "a real board, and no --port for it", 0.5),
    ]
    (suite,) = ET.fromstring(matrix_junit(pairs))
    assert [suite.get(key) for key in ("tests", "failures", "skipped", "time")] == ["2", "1", "1", "2.0"]
    failure = suite[0].find("failure")
    assert failure is not None
    assert failure.get("message") == "failed: 3 of 5 outputs differ? & <more>"
    assert suite[1].find("skipped") is not None
    assert matrix_json(pairs)["pass"] is False
