"""`tinygen plan` and --optimize, as a user calls them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.support.cli import tinygen
from tests.support.tflite_builder import ModelBuilder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """With a model chain.tflite whose smallest and fastest plans differ."""
    b = ModelBuilder()
    x = b.input((1, 12, 8, 2), 0.1)
    for index in range(4):
        y = b.tensor((1, 12, 8, 2 if index == 3 else 8), 0.1)
        weights = b.constant(np.full((b.shape(y)[3], 3, 3, b.shape(x)[3]), 7, np.int8), 0.1)
        b.op("CONV_2D", [x, weights], [y], strideH=1, strideW=1, dilationHFactor=1, dilationWFactor=1, padding=0)
        x = y
    (tmp_path / "chain.tflite").write_bytes(b.build([x]))
    return tmp_path


def test_plan_of_each_kind(folder: Path) -> None:
    ram, speed, usual = (
        tinygen("plan", "--json", *arguments, "chain.tflite", cwd=folder).json()
        for arguments in (["--optimize", "ram", "--frontier"], ["--optimize", "speed"], [])
    )
    assert ram["arena_bytes"] < speed["arena_bytes"]
    assert (ram["optimize"], speed["optimize"], usual["optimize"]) == ("ram", "speed", "balanced")
    assert any(s["height"] for s in ram["segments"])
    assert ram["frontier"][0]["arena_bytes"] == ram["arena_bytes"]
    assert ram["frontier"][-1]["arena_bytes"] == speed["arena_bytes"]
    assert speed["frontier"] is None
    assert ram["stack_bytes"] is None
    assert "balanced" in tinygen("plan", "--optimize", "small", "chain.tflite", cwd=folder).err


def test_plan_writes_its_pictures(folder: Path) -> None:
    arguments = ["--board", "host", "--frontier", "--svg", "chain.svg", "--html", "chain.html"]
    result = tinygen("plan", *arguments, "chain.tflite", cwd=folder)
    assert result.code == 0, result.err
    assert "peak: " in result.out
    assert "frontier: " in result.out
    assert "written: chain.html" in result.out
    assert (folder / "chain.svg").read_text().startswith("<svg")
    assert "<!DOCTYPE html>" in (folder / "chain.html").read_text()
    if shutil.which("gcc"):
        assert "bytes: gcc -O3, chain_invoke" in result.out


def test_plan_cannot_write(folder: Path) -> None:
    assert "nowhere" in tinygen("plan", "--svg", "nowhere/chain.svg", "chain.tflite", cwd=folder).error()
    assert {p.name for p in folder.iterdir()} == {"chain.tflite"}


def test_stack_that_is_not_known_says_why(folder: Path) -> None:
    arguments = ["plan", "--board", "qemu-cortex-m4", "chain.tflite"]
    path = {"PATH": "/nonexistent"}
    assert "unknown: arm-none-eabi-gcc is not installed" in tinygen(*arguments, cwd=folder, env=path).out
    assert tinygen(*arguments, "--json", cwd=folder, env=path).json()["stack_bytes"] is None


@pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc is not installed")
def test_optimize_reaches_the_project(folder: Path) -> None:
    arena = {}
    for optimize in ("ram", "speed"):
        arguments = ["--board", "host", "--optimize", optimize, "-o", "project", "--json", "chain.tflite"]
        report = tinygen("build", *arguments, cwd=folder).json()
        arena[optimize] = report["arena_bytes"]
        assert report["stack_bytes"] > 0
        assert json.loads((folder / "project" / "model" / "build.json").read_text())["chain"]["optimize"] == optimize
        header = (folder / "project" / "lib" / "chain" / "src" / "chain.h").read_text()
        assert f"#define CHAIN_ARENA_BYTES {arena[optimize]}\n" in header
    assert arena["ram"] < arena["speed"]
    arguments = ["--board", "host", "--optimize", "ram", "-o", "project", "--samples", "3", "--json", "chain.tflite"]
    assert tinygen("test", *arguments, cwd=folder).json()["pass"] is True
    made = tinygen("generate", "--optimize", "speed", "-o", "lib", "--json", "chain.tflite", cwd=folder).json()
    assert made["arena_bytes"] == arena["speed"]
