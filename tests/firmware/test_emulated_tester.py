"""From a project folder to an answering board, for every emulated board."""

from __future__ import annotations

import os
import random
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import serial

from tests.firmware.conftest import MakeProject
from tests.firmware.fake import INPUT_BYTES, SHA256, reference
from tinygen.boards import Board, get_board, load_boards
from tinygen.device.link import Link
from tinygen.elf import section_sizes, symbol_sizes
from tinygen.emulator import running
from tinygen.errors import TinygenError
from tinygen.platformio import DoesNotFit, build_firmware, upload
from tinygen.platformio_core import offline_environment

# those whose RAM holds the fake model; an Uno has its turn in test_digits_example.py
EMULATED = tuple(board for board in load_boards() if board.emulated and board.ram_bytes >= 8192)
BARE = tuple(board for board in EMULATED if board.framework == "" and board.core != "host")
ARM = tuple(board for board in BARE if board.core == "cortex-m4")
# what a core says of a fault
FAULT = r"!fault 00000003 cfsr [0-9a-f]{8}"
FAULTS = {"cortex-m0": "!fault 00000003", "rv32imc": r"!fault 0000000[1-7]"}
SAMPLES = tuple(random.Random(seed).randbytes(INPUT_BYTES) for seed in range(5))


def by_name(board: Board) -> str:
    return board.name


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def pids_of(project: Path) -> list[int]:
    """The running emulators of a project's firmware: processes whose command names its ELF."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            parts = (process / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if any(part.startswith(bytes(project)) and part.endswith(b"firmware.elf") for part in parts):
            found.append(int(process.name))
    return found


def processor_ticks(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return int(fields[11]) + int(fields[12])


@pytest.mark.parametrize("board", EMULATED, ids=by_name)
def test_the_tester_answers_in_the_emulator(board: Board, make_project: MakeProject) -> None:
    lines: list[str] = []
    result = build_firmware(make_project(board), board.name, board, lines.append)
    assert tuple(lines) == result.log
    with running(board, result.elf) as url, Link.open(url, answer_seconds=5) as link:
        info = link.hello(30)
        assert (info.name, info.sha256, info.ticks_hz) == ("fake", SHA256, board.clock_hz)
        answers = [link.infer(sample) for sample in SAMPLES]
    assert [answer.outputs for answer in answers] == [reference(sample) for sample in SAMPLES]
    assert link.retries == 0
    ticks = [answer.ticks for answer in answers]
    assert min(ticks) > 0
    if board.core != "host":  # instructions or cycles are counted, not timed; an Arduino's timers interrupt
        assert max(ticks) - min(ticks) <= (200 if board.framework else 2)
    with pytest.raises(TinygenError), Link.open(url):
        pass  # the emulator has ended with its `with`


@pytest.mark.parametrize("board", ARM, ids=by_name)
def test_sizes_of_the_firmware(board: Board, make_project: MakeProject) -> None:
    elf = build_firmware(make_project(board), board.name, board).elf
    sizes, symbols = section_sizes(elf), symbol_sizes(elf)
    assert symbols["arena"] == INPUT_BYTES
    assert symbols["payload"] == 512
    assert INPUT_BYTES + 512 < sizes.ram < 3200
    assert 1500 < sizes.flash < 5000


@pytest.mark.parametrize("board", ARM, ids=by_name)
def test_a_fault_is_reported_not_silent(board: Board, make_project: MakeProject) -> None:
    result = build_firmware(make_project(board, flags="-DFAKE_FAULT"), board.name, board)
    with running(board, result.elf) as url, Link.open(url, answer_seconds=0.1) as link:
        link.hello()
        with pytest.raises(TinygenError, match=r"crashed: '!fault 00000003 cfsr [0-9a-f]{8} pc e0000000'"):
            link.infer(SAMPLES[0], timeout=0.2)


STACK_OVERFLOW = """
#include "tg_port.h"
static volatile int canary[4] = {1, 2, 3, 4};
int dig(volatile int depth) { volatile int room[64]; room[0] = depth; return dig(depth + 1) + room[0]; }
int main(void) {
  tg_init();
  tg_getc();
  return dig(canary[0]);
}
"""


@pytest.mark.parametrize("board", BARE, ids=by_name)
def test_a_stack_overflow_faults(board: Board, make_project: MakeProject) -> None:
    result = build_firmware(make_project(board, STACK_OVERFLOW), board.name, board)
    crash = pytest.raises(TinygenError, match=f"crashed: '{FAULTS.get(board.core, FAULT)}")
    with running(board, result.elf) as url, Link.open(url, answer_seconds=0.1) as link, crash:
        link.hello(1)


CONSTRUCTORS = """
extern "C" {
#include "tg_port.h"
}
struct Answer { int value; Answer() : value(tg_ticks_hz() > 0 ? 42 : 0) {} };
static Answer answer;
int main() {
  tg_init();
  for (;;) { tg_putc(tg_getc() + answer.value); tg_putc('\\n'); }
}
"""


@pytest.mark.parametrize("board", BARE, ids=by_name)
def test_an_application_in_cpp_has_its_constructors_run(board: Board, make_project: MakeProject) -> None:
    project = make_project(board, "")
    (project / "src" / "main.c").unlink()
    (project / "src" / "main.cpp").write_text(CONSTRUCTORS)
    elf = build_firmware(project, board.name, board).elf
    with running(board, elf) as url, serial.serial_for_url(url, timeout=5) as port:
        port.write(b"\x01")
        assert port.read(2) == bytes((43,)) + b"\n"


@pytest.mark.parametrize("board", EMULATED, ids=by_name)
def test_a_board_that_waits_takes_no_processor_time(board: Board, make_project: MakeProject) -> None:
    project = make_project(board)
    with running(board, build_firmware(project, board.name, board).elf) as url, Link.open(url) as link:
        link.hello()
        (pid,) = pids_of(project)
        taken = []
        for _ in range(4):  # the start may reach into the first of them; one that spins takes its share of all
            before = processor_ticks(pid)
            time.sleep(0.5)
            taken.append((processor_ticks(pid) - before) / (0.5 * os.sysconf("SC_CLK_TCK")))
            if taken[-1] < 0.15:
                return
        pytest.fail(f"shares of a processor: {taken}")


def test_what_does_not_fit_says_by_how_much(make_project: MakeProject) -> None:
    board = get_board("qemu-stm32f405")
    project = make_project(board, flags="-DFAKE_BYTES=130000")
    with pytest.raises(DoesNotFit, match=r"does not fit qemu-stm32f405: [\d,]+ bytes too many for RAM") as e:
        build_firmware(project, board.name, board)
    ((region, excess),) = e.value.overflow
    assert region == "RAM"
    assert 130_000 * 3 // 2 - 124 * 1024 < excess < 130_000 * 3 // 2 - 120 * 1024


@pytest.mark.parametrize("name", ["qemu-stm32f405", "simavr-mega2560", "host"])
def test_upload_starts_a_board_that_stop_ends(name: str, make_project: MakeProject) -> None:
    board, port = get_board(name), free_port()
    project = make_project(board)
    url = f"socket://127.0.0.1:{port}"
    try:
        for _ in range(2):  # the second one takes the place of the first
            assert f"serial port: {url}" in upload(project, board.name, board, url)
            with Link.open(url) as link:
                assert link.infer(SAMPLES[0]).outputs == reference(SAMPLES[0])
        # the process in that file is not an emulator: it must live, and the one that is keeps the port
        (project / ".pio" / "build" / board.name / "emulator.pid").write_text(str(os.getpid()))
        with pytest.raises(TinygenError, match=f"port {port} is in use by another program"):
            upload(project, board.name, board, url)
    finally:
        (pid,) = pids_of(project)
        (project / ".pio" / "build" / board.name / "emulator.pid").write_text(str(pid))
        command = [sys.executable, "-m", "platformio", "run", "-d", str(project), "-e", board.name, "-t", "stop"]
        subprocess.run(command, env=offline_environment(), check=True, capture_output=True)
    assert pids_of(project) == []


@pytest.mark.parametrize("port", ["COM3", "socket://example.com:1", "socket://127.0.0.1"])
def test_a_port_that_an_emulated_board_cannot_have(port: str, make_project: MakeProject) -> None:
    board = get_board("host")
    with pytest.raises(TinygenError, match="port looks like socket://") as e:
        upload(make_project(board), board.name, board, port)
    assert f"-t upload --upload-port {port}" in e.value.hint
