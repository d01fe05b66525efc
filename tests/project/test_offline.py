"""Without a network: emulated boards build all the same, real ones say what is missing within 5 seconds."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import pytest

from tests.support.cli import tinygen
from tests.support.models import small_model

OFFLINE = ("unshare", "--map-root-user", "--net")


@pytest.fixture(autouse=True)
def _namespaces() -> None:
    try:
        subprocess.run([*OFFLINE, "true"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this system does not let a program cut itself off from the network (unshare --net)")


def test_a_platform_that_cannot_be_downloaded(tmp_path: Path) -> None:
    (tmp_path / "m1.tflite").write_bytes(small_model())
    core = {"PLATFORMIO_CORE_DIR": str(tmp_path / "core")}
    start = time.monotonic()
    result = tinygen("build", "--board", "esp32", "m1.tflite", cwd=tmp_path, prefix=OFFLINE, env=core)
    assert time.monotonic() - start < 5
    assert "espressif32@6.13.0" in result.error()
    assert "cannot be reached" in result.error()
    project = tmp_path / "m1-esp32"
    assert str(project) in result.error()
    for name in ("platformio.ini", "tinygen.ini", "src/main.cpp", "lib/m1/src/m1.c", "tester/tg_tester.c"):
        assert (project / name).is_file()


def test_an_emulated_board_needs_no_network(tmp_path: Path) -> None:
    """An empty cache, so that nothing is there from an earlier build."""
    (tmp_path / "m1.tflite").write_bytes(small_model())
    cache = {"TINYGEN_CACHE_DIR": str(tmp_path / "cache")}
    command = ("build", "--board", "qemu-stm32f405", "--json", "m1.tflite")
    report = tinygen(*command, cwd=tmp_path, prefix=OFFLINE, env=cache).json()
    assert report["fits"] is True
