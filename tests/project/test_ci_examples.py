"""examples/ci: the targets that the workflows call are run; the workflows call nothing else."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.support.cli import REPOSITORY
from tests.support.models import small_model
from tinygen.boards import load_boards

CI = REPOSITORY / "examples" / "ci"
BOARD = "qemu-cortex-m4"
needs_make = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


def make(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    command = ["make", "-f", str(CI / "ci.mk"), f"TINYGEN={sys.executable} -m tinygen", "MODEL=small.tflite"]
    whole = [*command, f"BOARDS={BOARD} host", "SAMPLES=3", *arguments]
    return subprocess.run(whole, cwd=folder, env=environment, capture_output=True, text=True, timeout=300)


@needs_make
def test_the_targets(tmp_path: Path) -> None:
    for name in ("main", "branch"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "small.tflite").write_bytes(small_model())
    branch = tmp_path / "branch"
    done = make(branch, "ci")
    assert done.returncode == 0, done.stderr
    assert (branch / "build" / "ci" / f"test-{BOARD}.html").is_file()
    assert (branch / "build" / "ci" / f"test-{BOARD}.xml").is_file()
    figures = branch / "build" / "ci" / f"bench-{BOARD}.json"
    assert json.loads(figures.read_text())["instructions"] > 0
    # the main branch has no figures yet, then the same, then better ones
    assert "has no figures" in make(branch, "compare").stdout
    shutil.copytree(branch / "build", tmp_path / "main" / "build")
    assert make(branch, "compare").returncode == 0
    base = tmp_path / "main" / "build" / "ci" / figures.name
    better = json.loads(base.read_text())
    better["instructions"] //= 2
    base.write_text(json.dumps(better))
    worse = make(branch, "compare")
    assert worse.returncode != 0
    assert "is worse than" in worse.stderr
    (tmp_path / "main" / "small.tflite").write_bytes(small_model(1))
    assert "nothing to compare" in make(branch, "compare").stdout


@needs_make
@pytest.mark.parametrize("name", ["github.yml", "gitlab.yml"])
def test_a_workflow_calls_targets_that_are_there(tmp_path: Path, name: str) -> None:
    text = (CI / name).read_text()
    assert yaml.safe_load(text)
    targets = re.findall(r"make (?:-C base )?-f (?:\.\./)?ci\.mk (\w+)", text)
    assert set(targets) == {"build", "test", "bench", "compare", "usb"}
    for target in targets:
        assert make(tmp_path, "--dry-run", target).returncode == 0, target
    assert not re.search(r"tinygen (build|test|bench|run|flash|plan)\b", text), "what a workflow does is a target"


def test_the_workflow_of_the_real_boards_takes_all_of_them(tmp_path: Path) -> None:
    workflow = yaml.safe_load((CI / "github-real-boards.yml").read_text())
    assert workflow["jobs"]["build"]["strategy"]["matrix"]["board"] == "${{ fromJSON(needs.list.outputs.boards) }}"
    step = workflow["jobs"]["list"]["steps"][-1]["run"]
    script = step.replace("tinygen boards", f"{sys.executable} -m tinygen boards")
    output = tmp_path / "output"
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "GITHUB_OUTPUT": str(output)}
    subprocess.run(["bash", "-e", "-c", script], env=environment, cwd=tmp_path, check=True, timeout=120)
    names = json.loads(output.read_text().removeprefix("boards="))
    assert names == [board.name for board in load_boards() if not board.emulated]


SHOW = """Place 'bench':
Acquired resource 'USBSerialPort' (lab/esp32/NetworkSerialPort[/USBSerialPort]):
  {'acquired': 'bench',
   'avail': True,
   'cls': 'NetworkSerialPort',
   'params': {'extra': {'path': '/dev/ttyUSB0', 'proxy': 'lab'},
              'host': 'lab.example',
              'port': 41379,
              'speed': 115200}}
"""


def test_the_lab_script(tmp_path: Path) -> None:
    """With a stand-in for labgrid's client, that prints what its documentation shows."""
    yaml.safe_load((CI / "labgrid-exporter.yaml").read_text())
    (tmp_path / "show").write_text(SHOW)
    client, program = tmp_path / "labgrid-client", tmp_path / "tinygen"
    client.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/asked\n[ "$3" != show ] || cat {tmp_path}/show\n')
    program.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/called\n')
    for script in (client, program):
        script.chmod(0o755)
    environment = {**os.environ, "LABGRID": str(client), "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    command = [CI / "labgrid-test.sh", "bench", "esp32", "kws.h5"]
    subprocess.run(command, env=environment, check=True, timeout=30)
    assert (tmp_path / "called").read_text() == "test --board esp32 --port rfc2217://lab.example:41379 kws.h5\n"
    asked = (tmp_path / "asked").read_text().splitlines()
    assert asked == ["-p bench acquire", "-p bench power cycle", "-p bench show", "-p bench release"]
