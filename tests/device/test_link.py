"""Link against the real tester: over a socket, over a pty, and over lines that no one should have to use."""

from __future__ import annotations

import os
import pty
import random
import socket
import subprocess
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.device.proxy import Faults, proxy
from tests.firmware.fake import INPUT_BYTES, OUTPUT_BYTES, SHA256, build_host_tester, listening, reference
from tinygen.device.framing import Frame, Parser, Type
from tinygen.device.link import Link
from tinygen.device.messages import fits as _fits
from tinygen.errors import TinygenError

RUNS = 300 if os.environ.get("TINYGEN_NIGHTLY") else 30
QUICK = 0.1  # seconds that an answer may take, here where the device is near


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_host_tester(tmp_path_factory.mktemp("tester"))


@pytest.fixture(scope="module")
def device(program: Path) -> Iterator[int]:
    with listening(program) as (_, port):
        yield port


def sample(seed: int) -> bytes:
    return random.Random(seed).randbytes(INPUT_BYTES)


@contextmanager
def on_pty(command: list[str]) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """A program behind a tty, as behind a USB adapter."""
    ours, theirs = pty.openpty()
    name = os.ttyname(theirs)
    process = subprocess.Popen(command, stdin=ours, stdout=ours, stderr=subprocess.DEVNULL)
    os.close(ours)
    try:
        yield name, process
    finally:
        process.kill()
        process.wait()
        os.close(theirs)


@contextmanager
def server(behave: Callable[[socket.socket], None]) -> Iterator[str]:
    """Something else than a tester behind a port."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        try:
            with listener.accept()[0] as client:
                behave(client)
        except OSError:
            pass

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"socket://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        listener.close()
        thread.join(10)


def until_closed(client: socket.socket) -> None:
    while client.recv(4096):
        pass


def test_samples_over_a_socket(device: int) -> None:
    with Link.open(f"socket://127.0.0.1:{device}", answer_seconds=5) as link:
        info = link.hello()
        assert (info.name, info.sha256, info.version) == ("fake", SHA256, "0.1.0")
        assert (info.input_bytes, info.output_bytes, info.arena_bytes) == (INPUT_BYTES, OUTPUT_BYTES, INPUT_BYTES)
        for seed in range(20):
            answer = link.infer(sample(seed))
            assert answer.outputs == reference(sample(seed))
            assert 0 < answer.ticks < info.ticks_hz
        assert link.retries == 0


def test_samples_over_a_tty(program: Path) -> None:
    with on_pty([str(program)]) as (name, _), Link.open(name, 921600, 5) as link:
        link.hello()
        for seed in range(5):
            assert link.infer(sample(seed)).outputs == reference(sample(seed))
        assert link.retries == 0


def test_a_device_with_a_small_buffer(tmp_path: Path) -> None:
    program = build_host_tester(tmp_path, ["-DTG_TESTER_MAX_PAYLOAD=64"])
    with listening(program) as (_, port), Link.open(f"socket://127.0.0.1:{port}", answer_seconds=5) as link:
        assert link.hello().max_payload == 64
        assert link.infer(sample(1)).outputs == reference(sample(1))
        assert link.retries == 0


def test_a_second_client_after_the_first(device: int) -> None:
    for seed in (1, 2):
        with Link.open(f"socket://127.0.0.1:{device}") as link:
            assert link.infer(sample(seed)).outputs == reference(sample(seed))


def test_a_device_that_was_left_in_the_middle_of_a_frame(program: Path) -> None:
    with on_pty([str(program)]) as (name, _), Link.open(name, 921600, QUICK) as link:
        link._port.write(Frame(Type.INPUT, 1, bytes(500)).encode()[:40])
        link.hello(5)
        assert link.infer(sample(1)).outputs == reference(sample(1))


def test_a_bootloader_is_waited_for(device: int) -> None:
    """A board that prints, and hears nothing, for a second and a half after the port was opened."""

    def boot(client: socket.socket) -> None:
        client.sendall(b"ets Jul 29 2019 12:21:46\r\nrst:0x1 (POWERON_RESET)\r\n\xa5\x5a\xa5")
        end = time.monotonic() + 1.5
        client.settimeout(0.05)
        while time.monotonic() < end:
            try:
                client.recv(4096)
            except TimeoutError:
                continue
        client.settimeout(None)
        with socket.create_connection(("127.0.0.1", device)) as board:
            back = threading.Thread(target=lambda: [client.sendall(data) for data in iter(lambda: board.recv(99), b"")])
            back.start()
            while data := client.recv(4096):
                board.sendall(data)
            board.shutdown(socket.SHUT_RDWR)
            back.join()

    with server(boot) as url, Link.open(url, answer_seconds=0.2) as link:
        assert link.hello(8).name == "fake"
        assert link.retries == 0  # waiting for the board is no retry
        assert link.infer(sample(3)).outputs == reference(sample(3))


def test_the_wrong_number_of_bytes_is_refused_before_anything_is_sent(device: int) -> None:
    with Link.open(f"socket://127.0.0.1:{device}") as link, pytest.raises(TinygenError, match="1237 bytes of input"):
        link.infer(bytes(INPUT_BYTES - 1))


def test_no_answer_is_an_error_within_its_time() -> None:
    start = time.monotonic()
    with server(until_closed) as url, Link.open(url) as link, pytest.raises(TinygenError, match="does not answer") as e:
        link.hello(1)
    assert "baud" in e.value.hint
    assert time.monotonic() - start < 3


def test_another_firmware_is_quoted() -> None:
    def application(client: socket.socket) -> None:
        for _ in range(30):
            client.sendall(b"kws: yes, 1234 us\r\n\x1b[31m")
            time.sleep(0.05)
        until_closed(client)

    with (
        server(application) as url,
        Link.open(url) as link,
        pytest.raises(TinygenError, match="kws: yes, 1234 us") as e,
    ):
        link.hello(1)
    assert "\x1b" not in str(e.value)


@pytest.mark.parametrize(
    "info",
    [b"", bytes(52), b"\x02" + bytes(60), b"\x01\x00\xff\xff" + bytes(50), b"\x01\x00\x40\x00" + bytes(48) + b"\x09x"],
)
def test_an_info_that_is_none_is_an_error(info: bytes) -> None:
    def liar(client: socket.socket) -> None:
        while data := client.recv(4096):
            at = data.find(b"\xa5\x5a")
            if at >= 0:
                client.sendall(Frame(0x81, data[at + 3], info).encode())

    with server(liar) as url, Link.open(url, answer_seconds=QUICK) as link, pytest.raises(TinygenError):
        link.hello(1)


def test_a_flood_is_no_hang() -> None:
    def flood(client: socket.socket) -> None:
        noise = random.Random(1).randbytes(65536)
        while True:
            client.sendall(noise)

    start = time.monotonic()
    with server(flood) as url:
        with Link.open(url) as link, pytest.raises(TinygenError):
            link.hello(1)
        assert time.monotonic() - start < 5


def test_a_board_that_takes_no_data_is_no_hang(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tinygen.device.ports._WRITE_SECONDS", 0.5)
    with server(lambda client: time.sleep(1.5)) as url, Link.open(url) as link:
        start = time.monotonic()
        with pytest.raises(TinygenError, match="broke off"):
            link._write(bytes(100_000_000))
        assert time.monotonic() - start < 3


def test_a_cable_pulled_in_mid_run(program: Path) -> None:
    with listening(program) as (process, port), Link.open(f"socket://127.0.0.1:{port}") as link:
        link.infer(sample(1))
        process.kill()
        process.wait()
        start = time.monotonic()
        with pytest.raises(TinygenError, match="broke off") as e:
            link.infer(sample(2))
        assert "cable" in e.value.hint
        assert time.monotonic() - start < 2


def test_a_tty_that_goes_away_in_mid_run(program: Path) -> None:
    with on_pty([str(program)]) as (name, process), Link.open(name, 921600) as link:
        link.infer(sample(1))
        process.kill()
        process.wait()
        start = time.monotonic()
        with pytest.raises(TinygenError):
            link.infer(sample(2))
        assert time.monotonic() - start < 15


def test_a_device_that_falls_silent_is_an_error_within_its_time(device: int) -> None:
    def half_dead(client: socket.socket) -> None:
        """Answers HELLO, and then nothing."""
        with socket.create_connection(("127.0.0.1", device)) as board:
            board.sendall(client.recv(4096))
            time.sleep(0.2)  # for all of the answer
            client.sendall(board.recv(4096))
        until_closed(client)

    with server(half_dead) as url, Link.open(url, answer_seconds=QUICK) as link:
        link.hello()
        start = time.monotonic()
        with pytest.raises(TinygenError, match="does not answer"):
            link.infer(sample(1), timeout=1)
        assert time.monotonic() - start < 12


def test_a_byte_that_is_lost_costs_one_retry(device: int) -> None:
    """The zeros free the device, else it would take the repeated frame for the rest of the first."""
    with Link.open(f"socket://127.0.0.1:{device}", answer_seconds=1) as link:
        link.hello()
        write, lost = link._write, [False]

        def lossy(data: bytes) -> None:
            if not lost[0] and data[:3] == b"\xa5\x5a\x02":
                lost[0] = True
                data = data[:-1]  # the last frame's last byte
            write(data)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(link, "_write", lossy)
            assert link.infer(sample(1)).outputs == reference(sample(1))
        assert lost[0]
        assert link.retries == 1


class Liar:
    """A device that takes one byte and gives one; what it claims about its output is wrong the first times."""

    def __init__(self, lies: int) -> None:
        self.lies = lies

    def __call__(self, client: socket.socket) -> None:
        parser = Parser(1024)
        while data := client.recv(4096):
            for frame in parser.feed(data):
                client.sendall(Frame(frame.type | 0x80, frame.seq, self.answer(frame)).encode())

    def answer(self, frame: Frame) -> bytes:
        if frame.type == Type.HELLO:
            sizes = b"".join(n.to_bytes(4, "little") for n in (1, 1, 1, 1000))
            return b"\x01\x00\x40\x00" + bytes(32) + sizes + b"\x01m\x01v"
        if frame.type == Type.INPUT:
            return frame.payload[:4]
        if frame.type == Type.INVOKE:
            self.lies -= 1
            return (zlib.crc32(b"!") ^ (self.lies >= 0)).to_bytes(4, "little") + bytes(4)
        return frame.payload[:4] + b"!"


def test_outputs_that_are_not_those_of_the_result_are_fetched_again() -> None:
    with server(Liar(2)) as url, Link.open(url, answer_seconds=QUICK) as link:
        assert link.infer(b"x").outputs == b"!"
        assert link.retries == 2


def test_a_device_that_never_agrees_with_itself_is_an_error() -> None:
    with server(Liar(10**6)) as url, Link.open(url, answer_seconds=QUICK) as link:
        link.hello()
        start = time.monotonic()
        with pytest.raises(TinygenError, match="does not get through"):
            link.infer(b"x")
        assert time.monotonic() - start < 5


INPUT_8 = (Type.INPUT, bytes((8, 0, 0, 0)) + b"data")
OUTPUT_8 = (Type.OUTPUT, bytes((8, 0, 0, 0, 3, 0)))


@pytest.mark.parametrize(
    ("request_", "kind", "payload", "fits"),
    [
        (INPUT_8, 0x82, bytes((8, 0, 0, 0)), True),
        (INPUT_8, 0x82, bytes((9, 0, 0, 0)), False),
        (INPUT_8, 0x84, bytes((8, 0, 0, 0)), False),
        (OUTPUT_8, 0x84, bytes((8, 0, 0, 0)) + b"abc", True),
        (OUTPUT_8, 0x84, bytes((8, 0, 0, 0)) + b"ab", False),
        (OUTPUT_8, 0x84, bytes((7, 0, 0, 0)) + b"abc", False),
        (OUTPUT_8, 0x83, bytes((8, 0, 0, 0)) + b"abc", False),
        ((Type.INVOKE, bytes(4)), 0x83, bytes(8), True),
        ((Type.INVOKE, bytes(4)), 0x83, bytes(7), False),
        (INPUT_8, 0xFF, b"\x03", True),
        (INPUT_8, 0xFF, b"\x01", False),
        (INPUT_8, 0xFF, b"", False),
    ],
)
def test_which_frame_is_an_answer(request_: tuple[Type, bytes], kind: int, payload: bytes, fits: bool) -> None:
    assert _fits(Frame(kind, 1, payload), request_) is fits


def _faults(seed: int) -> Faults:
    rng = random.Random(seed)
    rate = rng.choice((1e-4, 3e-4, 1e-3))
    kind = seed % 4
    return Faults(
        drop=rate if kind in (0, 3) else 0.0,
        flip=rate if kind in (1, 3) else 0.0,
        double=rate if kind in (2, 3) else 0.0,
        cut_after=rng.randrange(100, 3000) if seed % 6 == 5 else None,
    )


@pytest.mark.parametrize("batch", range(6))
def test_a_faulty_line_gives_right_outputs_or_an_error(device: int, batch: int) -> None:
    """What comes back is never wrong, and nothing takes forever."""
    retries = 0
    for seed in range(batch, RUNS, 6):
        faults = _faults(seed)
        start = time.monotonic()
        with ExitStack() as stack:
            if faults.cut_after is not None:
                stack.enter_context(pytest.raises(TinygenError))
            url = stack.enter_context(proxy(device, faults, seed))
            link = stack.enter_context(Link.open(url, answer_seconds=QUICK))
            for k in range(2):
                inputs = sample(seed * 10 + k)
                assert link.infer(inputs, timeout=0.5).outputs == reference(inputs)
            retries += link.retries
        assert time.monotonic() - start < 20
    assert retries > 0 or batch == 5, "the faults were not felt"


def test_a_model_that_the_firmware_does_not_have(device: int) -> None:
    with Link.open(f"socket://127.0.0.1:{device}", answer_seconds=QUICK) as link:
        link.select(0)
        assert link.infer(sample(9)).outputs == reference(sample(9))
        with pytest.raises(TinygenError, match=r"refuses a request \(code 3\)"):
            link.select(1)
        assert link.infer(sample(10)).outputs == reference(sample(10))
