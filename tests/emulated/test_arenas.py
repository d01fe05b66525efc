"""How small the arenas of the MLPerf Tiny models are, and that the smallest of them run bit-exact on a board."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.emulated.test_reference_models import MODELS, needs_models
from tests.support.cli import REPOSITORY, tinygen
from tinygen.kernels import Program, build_program
from tinygen.load.tflite import load_tflite
from tinygen.passes import run_passes
from tinygen.plan import make_plan
from tinygen.verify import verify

RAM = {
    "kws_ref_model": 7_400,
    "pretrainedResnet_quant": 18_000,
    "vww_96_int8": 29_500,
    "ad01_int8": 1_100,
    "str_ww_ref_model": 4_400,
}
PEER = {"kws_ref_model": "kws", "pretrainedResnet_quant": "ic_resnet", "vww_96_int8": "vww", "str_ww_ref_model": "sww"}


def _program(model: str) -> Program:
    return build_program(run_passes(verify(load_tflite(MODELS / f"{model}.tflite", "m").graph)))


@needs_models
@pytest.mark.parametrize(("model", "most"), RAM.items())
def test_ram(model: str, most: int) -> None:
    assert make_plan(_program(model), "ram").arena_bytes <= most


@needs_models
def test_ram_with_the_input_by_rows() -> None:
    assert make_plan(_program("vww_96_int8"), "ram", by_rows=True).arena_bytes <= 16_800


@needs_models
@pytest.mark.parametrize(("model", "name"), PEER.items())
def test_balanced_is_little_beside_the_peer(model: str, name: str) -> None:
    baselines = json.loads((REPOSITORY.parent / "shared" / "baselines.json").read_text())
    peer = baselines["targets"]["m4/cmsis/nano/rel"][name]["arena"]
    assert make_plan(_program(model)).arena_bytes <= 0.55 * peer


@needs_models
def test_rows_over_serial(tmp_path: Path) -> None:
    result = tinygen(
        *("test", "--board", "qemu-cortex-m4", "--input", "rows", "--samples", "2", "--json"),
        MODELS / "vww_96_int8.tflite",
        cwd=tmp_path,
    ).json()
    assert result["pass"] is True
    assert result["bit_exact"] == result["outputs"] == 4
