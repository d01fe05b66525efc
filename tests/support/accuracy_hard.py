"""Models made hard on purpose: what the converter loses, what tinygen repairs, and what the doctor says of it."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from tinygen.ir import Array
from tinygen.quantize.diagnose import diagnose
from tinygen.quantize.findings import data_findings, layer_findings
from tinygen.quantize.flat import Flat, matched
from tinygen.quantize.improve import decisive, improve
from tinygen.quantize.measure import Inputs, outputs, sqnr_db

REPOSITORY = Path(__file__).resolve().parents[2]
HARD = {
    "wide_channels": "channels of two layers 1,000 times apart",
    "outlier": "one of 60 calibration samples 50 times as large",
    "wide_autoencoder": "autoencoder, channels 1,000 times apart",
}


def output_db(floating: bytes, quantized: bytes, content: bytes, samples: list[Inputs]) -> float:
    """Mean SQNR in dB of an int8 .tflite, what a last softmax reads; `quantized`: the converter's, for the names."""
    flat = Flat.of(quantized)
    twins = matched(flat, Flat.of(floating))
    ends = decisive(flat)
    real = outputs(floating, samples, [twins[i] for i in ends])
    got = outputs(content, samples, ends)
    return float(np.mean([sqnr_db(real[twins[i]], got[i]).mean() for i in ends]))


def hard_models() -> list[dict[str, Any]]:
    """For each of HARD: `model`, `plain_db` and `db` on samples not seen, `remedies`, `causes`."""
    with tempfile.TemporaryDirectory(prefix="tinygen-") as folder:
        command = [sys.executable, "-m", "tests.quantize.pairs", folder, *HARD]
        environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
        subprocess.run(command, check=True, capture_output=True, cwd=REPOSITORY, env=environment)
        return [_measured(text, Path(folder) / f"{name}.npz") for name, text in HARD.items()]


def _measured(text: str, path: Path) -> dict[str, Any]:
    with np.load(path) as file:
        x: Array = file["x"]
        samples, test = ([[sample[None]] for sample in file[key]] for key in ("x", "x_test"))
        floating, quantized = file["floating"].tobytes(), file["quantized"].tobytes()
    improved = improve(floating, quantized, samples)
    plain = diagnose(floating, quantized, samples, lambda done, total: None)
    now = diagnose(improved.source, improved.content, samples, lambda done, total: None)
    findings = (*data_findings({"x": x}, None), *layer_findings(plain, now))
    return {
        "model": text,
        "plain_db": round(output_db(floating, quantized, quantized, test), 2),
        "db": round(output_db(floating, quantized, improved.content, test), 2),
        "remedies": list(improved.remedies),
        "causes": [f"{f.where.partition(';')[0]}: {f.cause}" for f in findings],
    }
