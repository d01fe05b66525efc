"""Firmware that speaks MLPerf Tiny's protocol: a walk through the whole grammar, and the same results as otherwise."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import serial

from tests.support.cli import REPOSITORY, tinygen
from tests.support.tflite_builder import ModelBuilder
from tinygen.boards import get_board
from tinygen.device.mlperf import MlperfLink, thousandths
from tinygen.emulator import running
from tinygen.errors import TinygenError

BOARD = "qemu-cortex-m4"
KWS = REPOSITORY / "examples" / "kws" / "kws.h5"
SAMPLES = np.random.default_rng(1).integers(-128, 128, (200, 1, 64)).astype(np.int8)


def classifier() -> bytes:
    """64 inputs, 10 scores with a softmax over them."""
    m = ModelBuilder()
    x = m.input((1, 64), 0.05)
    w = m.constant(np.random.default_rng(0).integers(-127, 128, (10, 64)).astype(np.int8), 0.01)
    y, z = m.tensor((1, 10), 0.1), m.tensor((1, 10), 1 / 256, -128)
    m.op("FULLY_CONNECTED", [x, w], [y])
    m.op("SOFTMAX", [y], [z], beta=1.0)
    return m.build([z])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with samples in x.npy and the project p, whose firmware for the protocol is built."""
    folder = tmp_path_factory.mktemp("mlperf")
    (folder / "digits.tflite").write_bytes(classifier())
    np.save(folder / "x.npy", SAMPLES[:, 0])
    command = ("build", "--board", BOARD, "--protocol", "mlperf", "-o", "p", "--json", "digits.tflite")
    assert tinygen(*command, cwd=folder).json()["fits"] is True
    return folder


@pytest.fixture(scope="module")
def elf(folder: Path) -> Path:
    return folder / "p" / ".pio" / "build" / f"{BOARD}_test" / "firmware.elf"


@pytest.fixture(scope="module")
def link(elf: Path) -> Iterator[MlperfLink]:
    with running(get_board(BOARD), elf) as url, MlperfLink.open(url) as link:
        assert link.hello() == "digits"
        yield link


WALK = (
    ("name%", "m-name-dut-[tinygen]"),
    ("profile%", "m-profile-[ULPMark for tinyML Firmware V0.0.1]", "m-model-[digits]"),
    ("nonsense%", "e-[Unknown command: nonsense]"),
    ("Name%", "e-[Unknown command: Name]"),
    ("%", "e-[Unknown command: ]"),
    ("   name  with words%", "m-name-dut-[tinygen]"),
    ("\r\nname%", "m-name-dut-[tinygen]"),
    ("db%", "e-[Command 'db' requires a subcommand]"),
    ("db load%", "e-[Command 'db load' requires the # of bytes]"),
    ("db load 0%", "e-[Command 'db load' must be >0 bytes]"),
    ("db load -4%", "e-[Command 'db load' must be >0 bytes]"),
    ("db load word%", "e-[Command 'db load' must be >0 bytes]"),
    ("db load 65%", "e-[Supplied buffer size 65 exceeds maximum of 64]"),
    ("db load 99999999999999%", "e-[Supplied buffer size 999999999 exceeds maximum of 64]"),
    ("db 00%",),  # nothing is expected: nothing is taken
    ("db load 3%", "m-[Expecting 3 bytes]"),
    ("db 0%", "e-[Insufficent number of hex digits]"),
    ("db 0g%", "e-[Invalid hex digit '0g']"),
    ("db 0aB7%",),
    ("db ffeeDD%", "m-load-done"),  # the third; what comes behind it is not taken
    ("db print%", "m-buffer-0a-b7-ff"),
    ("db load 10%", "m-[Expecting 10 bytes]"),
    ("db 00010203040506070809%", "m-load-done"),
    ("db print%", "m-buffer-00-01-02-03-04-05-06-07", "m-buffer-08-09"),
    ("infer 0%", "e-[Inference iterations must be >0]"),
    ("infer word%", "e-[Inference iterations must be >0]"),
    ("infer 1 -1%", "e-[Inference warmup must be >=0]"),
    ("x" * 79 + "%", f"e-[Unknown command: {'x' * 79}]"),
    ("x" * 80 + "%", f"e-[Unknown command: {'x' * 80}]"),
    ("x" * 500 + "%", f"e-[Unknown command: {'x' * 80}]"),
)


def test_the_whole_grammar(link: MlperfLink) -> None:
    for command, *answer in WALK:
        assert link.command(command) == tuple(answer), command
    assert len(link.command("help%")) == 9
    first, second = (int(link.command("timestamp%")[0].removeprefix("m-lap-us-")) for _ in range(2))
    assert 0 < second - first < 1_000_000


NAME = b"m-name-dut-[tinygen]\r\nm-ready\r\n"
PROFILE = b"m-profile-[ULPMark for tinyML Firmware V0.0.1]\r\nm-model-[digits]\r\nm-ready\r\n"
LOADED = b"m-[Expecting 64 bytes]\r\nm-ready\r\n" + b"m-ready\r\n" + b"m-load-done\r\nm-ready\r\n"


CUT = b"e-[Insufficent number of hex digits]\r\nm-ready\r\n"
PIECES = (
    ((b"na", b"m", b"e%"), NAME),
    ((b"name%profile%name%",), NAME + PROFILE + NAME),
    ((b"name%pro", b"file%na", b"me%"), NAME + PROFILE + NAME),
    ((b"name\r\n%\r\nprofile%\r\n", b"\r\n\0name%"), NAME + PROFILE + NAME),
    ((b"db load 64%db " + b"00" * 32 + b"%db " + b"7f" * 32 + b"%",), LOADED),
    ((b"db load 64%db " + b"12" * 40 + b"%",), LOADED[:33] + CUT),  # 80 bytes of it are kept, half a byte in them
)


def test_what_is_sent_and_answered_to_the_byte(elf: Path) -> None:
    """Commands end where '%' is, however they arrive; lines of answers end in CR LF."""
    with running(get_board(BOARD), elf) as url, serial.serial_for_url(url, timeout=0.2) as port:
        while not port.read(1000).endswith(b"m-ready\r\n"):
            port.write(b"%")  # until the UART is on
        port.timeout = 20
        for pieces, answer in PIECES:
            for piece in pieces:
                port.write(piece)
                time.sleep(0.02)
            assert port.read(len(answer)) == answer
        port.timeout = 0.1
        assert port.read(1) == b""


def test_inferences_and_their_laps(link: MlperfLink) -> None:
    once = link.infer(bytes(64), 1, 0)
    assert len(once.results) == 10
    assert link.results() == once.results
    many = link.infer(bytes(64), 100, 3)
    assert many.results == once.results
    assert once.microseconds < many.microseconds
    assert abs(many.microseconds / 100 - once.microseconds) < 0.5 * once.microseconds + 2
    # what was left out: one inference after ten
    lines = link.command("infer%")
    assert lines[0] == "m-warmup-start-10"
    assert lines[2] == "m-infer-start-1"


def test_200_samples_have_the_results_of_the_binary_protocol(folder: Path, link: MlperfLink) -> None:
    command = ("run", "--board", BOARD, "-o", "q", "--input", "x.npy", "--output", "y.npy", "digits.tflite")
    assert tinygen(*command, cwd=folder).code == 0
    binary = np.load(folder / "y.npy")
    assert binary.dtype == np.int8
    classes = set()
    for sample, outputs in zip(SAMPLES, binary, strict=True):
        values = tuple(int(v) for v in outputs.reshape(-1))
        answer = link.infer(sample.tobytes())
        assert answer.results == thousandths(values, -128, 1 / 256)
        assert int(np.argmax(answer.results)) == int(np.argmax(values))
        classes.add(int(np.argmax(values)))
    assert len(classes) > 5


def test_the_command_judges(folder: Path) -> None:
    command = ("test", "--board", BOARD, "--protocol", "mlperf", "--json", "-o", "p", "--samples", "5")
    report = tinygen(*command, "--data", "x.npy", "digits.tflite", cwd=folder).json()
    assert (report["equal"], report["samples"], report["pass"]) == (5, 5, True)


def test_another_firmware_is_told(folder: Path) -> None:
    """A board that speaks the binary protocol."""
    tinygen("build", "--board", "host", "-o", "binary", "digits.tflite", cwd=folder)
    elf = folder / "binary" / ".pio" / "build" / "host" / "firmware.elf"
    silent = pytest.raises(TinygenError, match="gives no answer to '%'")
    with running(get_board("host"), elf) as url, MlperfLink.open(url) as link, silent:
        link.hello(0.5)


def test_what_the_protocol_has_no_words_for(folder: Path) -> None:
    refused = tinygen("build", "--board", "host", "--protocol", "mlperf", "digits.tflite", "digits.tflite", cwd=folder)
    assert refused.error()
    arguments = ("--name", "a", "--name", "b", "digits.tflite", "digits.tflite")
    refused = tinygen("test", "--board", "host", "--protocol", "mlperf", *arguments, cwd=folder)
    assert "for one MODEL" in refused.error()


def test_thousandths_are_rounded_away_from_zero() -> None:
    assert thousandths((-128, -127, 0, 127), -128, 1 / 256) == (0, 4, 500, 996)
    assert thousandths((-3, 3), 0, 0.0005) == (-2, 2)


@pytest.mark.skipif(not os.environ.get("TINYGEN_NIGHTLY"), reason="only with TINYGEN_NIGHTLY set")
def test_kws_through_the_protocol(tmp_path: Path) -> None:
    command = ("test", "--board", "qemu-stm32f405", "--protocol", "mlperf", "--samples", "200", "--json")
    assert tinygen(*command, KWS, cwd=tmp_path, timeout=1200).json()["equal"] == 200
