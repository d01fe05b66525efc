"""`tinygen doctor MODEL` on models trained for it: what it says of data that is right, and of data scaled wrong."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from tests.support.browser import look_at, needs_browser
from tinygen.cli.doctor import doctor
from tinygen.load import keras_job
from tinygen.report.diagnosis import diagnosis_page, diagnosis_text

pytestmark = pytest.mark.filterwarnings("ignore:Warning. Enabling:UserWarning")
REPOSITORY = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def jobs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that doctor_jobs.py fills."""
    if importlib.util.find_spec("tensorflow") is None:
        pytest.skip("TensorFlow is not installed")
    folder = tmp_path_factory.mktemp("doctor")
    script = Path(__file__).with_name("doctor_jobs.py")
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    done = subprocess.run([sys.executable, str(script), str(folder)], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    return folder


def result(jobs: Path, name: str) -> dict[str, Any]:
    return json.loads((jobs / f"{name}.json").read_text())


def findings(jobs: Path, name: str) -> str:
    found = json.loads((jobs / name / keras_job.DIAGNOSIS_FILE).read_text())["findings"]
    return "\n".join(f"{f['where']}: {f['cause']}; {f['remedy']}" for f in found)


def report(jobs: Path) -> dict[str, Any]:
    """What cli/look_at.py makes of the job "good"."""
    told = result(jobs, "good")
    diagnosis = json.loads((jobs / "good" / keras_job.DIAGNOSIS_FILE).read_text())
    shifted = json.loads((jobs / "good" / keras_job.ROBUSTNESS_FILE).read_text())
    return {"model": "plain", **told["quality"], **diagnosis, "coverage": told["coverage"], "robustness": shifted}


def test_other_samples_calibrate_and_each_class_is_among_them(jobs: Path) -> None:
    told = result(jobs, "good")
    assert told["calibration"] == "90 images of train, 60 of 90 samples"
    assert (told["coverage"]["classes"], told["coverage"]["of_classes"]) == (3, 3)
    ((name, share),) = told["coverage"]["ranges"]
    assert name == "image"
    assert 0.9 < share <= 1


def test_data_as_in_training_is_not_complained_about(jobs: Path) -> None:
    for name in ("good", "raw"):
        text = findings(jobs, name)
        assert not any(word in text for word in ("scale", "255", "classes", "data:", "image:")), text


def test_bytes_instead_of_0_to_1_are_named(jobs: Path) -> None:
    text = findings(jobs, "bytes")
    assert "batch_normalization: its input varies 2" in text
    assert "seem to be 0 to 255 where the model was trained on 0 to 1: divide them by 255" in text


def test_scaled_twice_is_named(jobs: Path) -> None:
    text = findings(jobs, "twice")
    assert "image: the model multiplies its input by 0.00392 itself, and the samples reach only 0.9" in text
    assert "seem to be 0 to 1 where the model was trained on 0 to 255: multiply them by 255" in text
    assert "when they are multiplied by 255; wrong scaling" in text


def test_shifts_of_the_input(jobs: Path) -> None:
    shifted = report(jobs)["robustness"]
    assert (shifted["measure"], shifted["is_accuracy"], shifted["samples"]) == ("accuracy", True, 60)
    assert shifted["left_out"] == []
    rows = {(row["shift"], row["level"]): row for row in shifted["rows"]}
    assert {kind for kind, _ in rows} == {"none", "noise", "gain", "offset", "blur", "moved", "FGSM"}
    assert min(rows["none", ""]["float_score"], rows["none", ""]["int8_score"]) > 0.9
    for row in rows.values():
        assert abs(row["float_score"] - row["int8_score"]) < 0.3
        assert row["sqnr_db"] > 0


def test_the_gradient_shows_where_the_loss_grows(jobs: Path) -> None:
    up, here, down = json.loads((jobs / "losses.json").read_text())
    assert up > 1.2 * here
    assert here > 1.2 * down


def test_int16_wins_where_it_is_offered(jobs: Path) -> None:
    offers = report(jobs)["offers"]
    assert offers[0]["remedy"] == "as it is now"
    assert offers[-1]["sqnr_db"] > offers[0]["sqnr_db"] + 1
    assert any("CONV_2D and what reads it" in offer["remedy"] for offer in offers)


def test_the_report_as_text(jobs: Path) -> None:
    text = diagnosis_text(report(jobs))
    assert "calibrated with 60 of 90 samples, 3 of 3 classes" in text
    assert "most of the noise: layer" in text
    assert "under shifts of the input, 60 samples: accuracy" in text
    assert "FGSM 3%" in text


@needs_browser
def test_the_page_on_a_desk_and_on_a_phone(jobs: Path, tmp_path: Path) -> None:
    page = tmp_path / "d.html"
    page.write_bytes(diagnosis_page(report(jobs)))
    assert page.read_text(encoding="utf-8").count("<svg") == 4
    seen = look_at(page, 390)
    assert seen.console == ()
    assert seen.scroll_width <= seen.width == 390


def test_a_tflite(jobs: Path, tmp_path: Path) -> None:
    model = str(jobs / "plain.tflite")
    html = tmp_path / "t.html"

    def told(*options: str) -> dict[str, Any]:
        done = CliRunner().invoke(doctor, [model, "--json", *options], catch_exceptions=False)
        assert done.exit_code == 0
        return json.loads(done.stdout)

    data = told("--data", f"{jobs / 'test'},scale=0..1", "--robustness", "--html", str(html))
    assert data["now"] is None
    assert data["robustness"]["left_out"] == ["FGSM: an int8 .tflite has no gradients"]
    clean = data["robustness"]["rows"][0]
    assert (clean["float_score"], clean["sqnr_db"]) == (None, None)
    assert clean["int8_score"] == result_row(jobs)["int8_score"]
    assert data["findings"] == []
    assert html.read_text(encoding="utf-8").count("<svg") == 1
    causes = [f["cause"] for f in told("--data", f"{jobs / 'test'},scale=0..255")["findings"]]
    assert any(cause.startswith("it takes ") and "of the data lies outside" in cause for cause in causes)
    samples = np.linspace(0, 0.1, 8 * 144, dtype=np.float32).reshape(8, 12, 12, 1)
    np.savez(tmp_path / "x.npz", x_test=samples, y_test=np.arange(8))
    causes = [f["cause"] for f in told("--data", str(tmp_path / "x.npz"))["findings"]]
    assert any("the data reaches only 0 to 0.1" in cause for cause in causes)
    assert any("class 7, the model's output has 3 values" in cause for cause in causes)


def result_row(jobs: Path) -> dict[str, Any]:
    """The job's own row without a shift."""
    row: dict[str, Any] = report(jobs)["robustness"]["rows"][0]
    return row
