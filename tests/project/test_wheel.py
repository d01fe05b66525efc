"""The wheel has everything in it: installed elsewhere, it builds a firmware."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.support.cli import REPOSITORY, tinygen
from tests.support.models import small_model


def test_a_wheel_installed_elsewhere_builds(tmp_path: Path) -> None:
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    subprocess.run([*pip, "wheel", "--no-deps", "-w", tmp_path / "dist", REPOSITORY], check=True, timeout=300)
    (wheel,) = (tmp_path / "dist").glob("tinygen-*.whl")
    site = tmp_path / "site"
    subprocess.run([*pip, "install", "--no-deps", "--target", site, wheel], check=True, timeout=300)
    env = {**os.environ, "PYTHONPATH": str(site)}
    where = subprocess.run(
        [sys.executable, "-c", "import tinygen; print(tinygen.__file__)"],
        cwd=tmp_path,
        env=env,
        check=True,
        capture_output=True,
        text=True,
    )
    assert where.stdout.startswith(str(site))
    (tmp_path / "m1.tflite").write_bytes(small_model())
    command = ("test", "--board", "qemu-stm32f405", "--json", "m1.tflite")
    result = tinygen(*command, cwd=tmp_path, env={"PYTHONPATH": str(site)}).json()
    assert result["pass"] is True
