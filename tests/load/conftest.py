"""Models for the tests of this folder, built once by a process of its own: pytest never imports TensorFlow."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "tensorflow: starts processes that import TensorFlow (seconds each)")


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that make_models.py fills."""
    if importlib.util.find_spec("tensorflow") is None:
        pytest.skip("TensorFlow is not installed")
    folder = tmp_path_factory.mktemp("models")
    script = Path(__file__).with_name("make_models.py")
    done = subprocess.run([sys.executable, str(script), str(folder)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="session")
def shared_models() -> Path:
    """The MLPerf Tiny reference models."""
    folder = Path(__file__).parents[3] / "shared" / "models"
    if not folder.is_dir():
        pytest.skip(f"the MLPerf Tiny reference models are not in {folder}")
    return folder
