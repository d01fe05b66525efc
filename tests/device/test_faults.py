"""Whole test runs over lines that fail in every way: the verdict is right, or there is an error, and soon."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import serial

from tests.device.troubled import Trouble, on_troubled_pty, on_troubled_socket, random_trouble
from tests.support.c_build import run_tool
from tests.support.tflite_builder import ModelBuilder
from tinygen import reference, tester
from tinygen.boards import EMULATED_PLATFORM_DIR, get_board
from tinygen.device.framing import Frame, Type
from tinygen.device.link import Link
from tinygen.emulator import running
from tinygen.errors import TinygenError
from tinygen.pipeline import Compiled, compile_model, write_board_project
from tinygen.render import project as projects
from tinygen.request import make_request
from tinygen.samples import random_samples
from tinygen.tester import DeviceRun, Model, run_on_device

RUNS = 1000 if os.environ.get("TINYGEN_NIGHTLY") else 8
EMULATED_RUNS = 100 if os.environ.get("TINYGEN_NIGHTLY") else 3
LONGEST = 30.0
SAMPLES = 3
HOST = get_board("host")


def two_convolutions(weight: int) -> bytes:
    m = ModelBuilder()
    x = m.input((1, 9, 8, 3), 0.1)
    for index in range(2):
        y = m.tensor((1, 9, 8, 3), 0.4, name=f"conv{index}")
        values = (np.arange(81) * 7 + weight + index) % 31 - 15
        weights = m.constant(values.astype(np.int8).reshape(3, 3, 3, 3), 0.1)
        m.op("CONV_2D", [x, weights], [y], strideH=1, strideW=1, dilationHFactor=1, dilationWFactor=1, padding=0)
        x = y
    return m.build([x])


def compiled(folder: Path, name: str, weight: int) -> Compiled:
    path = folder / f"{name}.tflite"
    path.write_bytes(two_convolutions(weight))
    board = get_board("qemu-cortex-m4" if name == "emulated" else "host")
    return compile_model(make_request(path, None, None, {}, False), None, lambda stage: None, board.kernels)


def model_of(each: Compiled) -> Model:
    return each, random_samples(each.plan.program.graph, SAMPLES)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The device is near and fast: lost answers need not cost seconds."""
    monkeypatch.setattr(tester, "_SHORTEST_TIMEOUT", 0.5)
    opened = Link.open

    def open_quickly(port: str, baud: int) -> Link:
        return opened(port, baud * 8, 0.1)

    monkeypatch.setattr(tester.Link, "open", open_quickly)


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, tuple[Model, ...]]:
    """Two models of the same sizes in one firmware, and it as a program, under the sanitizers, with small frames."""
    folder = tmp_path_factory.mktemp("pair")
    models = [compiled(folder, name, weight) for name, weight in (("one", 0), ("other", 5))]
    project = folder / "project"
    write_board_project(models, HOST, project, projects.Tester(layers=True))
    bsp, program = EMULATED_PLATFORM_DIR / "bsp", folder / "tester"
    sources = [*(project / "tester").glob("*.c"), *(project / "lib").glob("*/src/*.c"), bsp / "host" / "board.c"]
    folders = [f"-I{path}" for path in (project / "tester", bsp, *(project / "lib").glob("*/src"))]
    flags = ["-DTG_TESTER_LAYERS", "-DTG_TESTER_MAX_PAYLOAD=64", "-O0", "-fsanitize=address,undefined"]
    run_tool(["gcc", "-std=c99", *flags, "-fno-sanitize-recover=all", *folders, *sources, "-o", program])
    return program, tuple(model_of(each) for each in models)


@pytest.fixture(scope="module")
def emulated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, tuple[Model, ...]]]:
    """One model on an emulated board; the port of its UART."""
    folder = tmp_path_factory.mktemp("emulated")
    board, model = get_board("qemu-cortex-m4"), compiled(folder, "emulated", 3)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TINYGEN_CACHE_DIR", str(folder / "cache"))
        write_board_project([model], board, folder / "project", projects.Tester(layers=True))
        elf = tester.build_firmware(folder / "project", f"{board.name}_test", board, lambda line: None).elf
    with running(board, elf) as url:
        yield int(url.rpartition(":")[2]), (model_of(model),)


def is_right(models: tuple[Model, ...], runs: tuple[DeviceRun, ...]) -> bool:
    return all(
        run.layers is not None
        and run.layers.first is None
        and not any(run.layers.wrong_samples)
        and [o.tobytes() for (o,) in run.outputs]
        == [reference.run(c.plan.program.graph, inputs)[0].tobytes() for inputs in raw.inputs]
        for (c, raw), run in zip(models, runs, strict=True)
    )


def attempt(url: str, models: tuple[Model, ...], what: object) -> bool:
    """Run all samples; whether it came to a verdict, which must be the right one. It must not take long."""
    start = time.monotonic()
    try:
        runs = run_on_device(models, HOST, url, lambda count: None, layers=True)
    except TinygenError:
        return False
    finally:
        assert time.monotonic() - start < LONGEST, what
    assert is_right(models, runs), what
    return True


@pytest.mark.timeout(RUNS * LONGEST + 60)
def test_random_faults_on_a_tty(pair: tuple[Path, tuple[Model, ...]]) -> None:
    program, models = pair
    verdicts = 0
    for seed in range(RUNS):
        trouble = random_trouble(seed)
        with on_troubled_pty(program, trouble, seed) as name:
            verdicts += attempt(name, models, (seed, trouble))
    assert verdicts > 0.6 * RUNS, "a link that gives up on every fault is of no use"


@pytest.mark.timeout(EMULATED_RUNS * LONGEST + 60)
def test_random_faults_on_the_socket_of_an_emulator(emulated: tuple[int, tuple[Model, ...]]) -> None:
    port, models = emulated
    for seed in range(EMULATED_RUNS):
        trouble = random_trouble(7000 + seed)
        with on_troubled_socket(port, trouble, seed) as url:
            attempt(url, models, (seed, trouble))
    with on_troubled_socket(port, Trouble(), 0) as url:
        assert attempt(url, models, "the board still answers on a good line")


def test_a_good_line_needs_no_retries(pair: tuple[Path, tuple[Model, ...]]) -> None:
    program, models = pair
    with on_troubled_pty(program, Trouble(single=True), 0) as name:
        runs = run_on_device(models, HOST, name, lambda count: None, layers=True)
    assert is_right(models, runs)
    assert runs[0].retries == 0


def test_a_reset_at_any_place_gives_the_right_verdict(pair: tuple[Path, tuple[Model, ...]]) -> None:
    """After a reset the first model is selected again, which takes the other's inputs without a complaint."""
    program, models = pair
    for after in (300, 700, 1100, 1500):
        with on_troubled_pty(program, Trouble(resets=(after, after + 900)), after) as name:
            assert attempt(name, models, after), after


def test_answers_are_found_among_noise_without_an_end(pair: tuple[Path, tuple[Model, ...]]) -> None:
    program, models = pair
    with on_troubled_pty(program, Trouble(flood=200, flood_bytes=-1), 1) as name:
        assert attempt(name, models, "noise and answers")


@pytest.mark.skipif("TINYGEN_NIGHTLY" not in os.environ, reason="waits for 20 s; make nightly does it")
def test_a_board_that_floods_and_hardly_answers_is_no_hang(pair: tuple[Path, tuple[Model, ...]]) -> None:
    program, models = pair
    with on_troubled_pty(program, Trouble(flood=700, flood_bytes=-1, lose=0.7), 1) as name:
        attempt(name, models, "noise and hardly an answer")


def test_a_host_that_was_killed_in_mid_frame_leaves_a_board_that_answers(
    pair: tuple[Path, tuple[Model, ...]],
) -> None:
    program, models = pair
    frames = [Frame(Type.INPUT, 9, bytes(60)).encode(), Frame(Type.SELECT, 3, b"\x01").encode()]
    with on_troubled_pty(program, Trouble(), 2) as name:
        for cut in (1, 5, 12, 50):
            with serial.Serial(name, 115200) as port:
                port.write(frames[1] + frames[0][:cut])
            assert attempt(name, models[:1], cut)
