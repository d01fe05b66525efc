"""The tester's C code under the sanitizers, against every kind of frame it may meet."""

from __future__ import annotations

import itertools
import os
import random
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.firmware.fake import FIRST, INPUT_BYTES, OUTPUT_BYTES, SHA256, build_host_tester, reference
from tests.firmware.wire import DEVICE_MAX, Wire, connected, u16, u32
from tinygen.device.framing import Failure, Frame, Type

CHUNK = DEVICE_MAX - 4
FUZZ_EXAMPLES = 3000 if os.environ.get("TINYGEN_NIGHTLY") else 200


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_host_tester(tmp_path_factory.mktemp("tester"))


@pytest.fixture(scope="module")
def wire(program: Path) -> Iterator[Wire]:
    with connected([program]) as opened:
        yield opened


def give_inputs(wire: Wire, inputs: bytes) -> None:
    for offset in range(0, len(inputs), CHUNK):
        answer = wire.ask(Type.INPUT, u32(offset) + inputs[offset : offset + CHUNK])
        assert (answer.type, answer.payload) == (0x82, u32(offset))


def crc_of(inputs: bytes) -> bytes:
    return u32(zlib.crc32(inputs))


def outputs_of(wire: Wire) -> bytes:
    parts = []
    for offset in range(0, OUTPUT_BYTES, CHUNK):
        length = min(CHUNK, OUTPUT_BYTES - offset)
        answer = wire.ask(Type.OUTPUT, u32(offset) + u16(length))
        assert answer.type == 0x84
        assert answer.payload[:4] == u32(offset)
        parts.append(answer.payload[4:])
    return b"".join(parts)


def test_hello_tells_what_spec_says(wire: Wire) -> None:
    answer = wire.ask(Type.HELLO)
    assert answer.type == 0x81
    head = bytes((2, 0)) + u16(DEVICE_MAX) + bytes.fromhex(SHA256)
    sizes = u32(INPUT_BYTES, OUTPUT_BYTES, INPUT_BYTES, 1_000_000_000)
    assert answer.payload == head + sizes + b"\x04fake" + b"\x050.1.0"


def test_an_inference(wire: Wire) -> None:
    inputs = random.Random(1).randbytes(INPUT_BYTES)
    give_inputs(wire, inputs)
    result = wire.ask(Type.INVOKE, crc_of(inputs))
    assert result.type == 0x83
    assert outputs_of(wire) == reference(inputs)
    assert result.payload[:4] == crc_of(reference(inputs))
    # model 0, and a stack that this computer does not know
    assert result.payload[8:] == b"\0" + u32(0xFFFFFFFF)


def test_a_report(wire: Wire) -> None:
    answer = wire.ask(Type.REPORT)
    assert (answer.type, answer.payload) == (0x86, u32(1_000_000_000, 0xFFFFFFFF))
    assert wire.fails(Type.REPORT, b"x") == Failure.BAD_RANGE


def test_inputs_that_invoke_used_up_are_noticed(wire: Wire) -> None:
    inputs = random.Random(2).randbytes(INPUT_BYTES)
    give_inputs(wire, inputs)
    assert wire.ask(Type.INVOKE, crc_of(inputs)).type == 0x83
    assert wire.fails(Type.INVOKE, crc_of(inputs)) == Failure.INPUTS_GONE
    assert outputs_of(wire) == reference(inputs)


def test_invoke_with_a_wrong_crc_does_not_run(wire: Wire) -> None:
    first, second = (random.Random(seed).randbytes(INPUT_BYTES) for seed in (3, 4))
    give_inputs(wire, first)
    wire.ask(Type.INVOKE, crc_of(first))
    give_inputs(wire, second)
    assert wire.fails(Type.INVOKE, u32(zlib.crc32(second) ^ 1)) == Failure.INPUTS_GONE
    assert outputs_of(wire) == reference(first)
    assert wire.ask(Type.INVOKE, crc_of(second)).type == 0x83


def test_chunks_of_any_size_in_any_order(wire: Wire) -> None:
    """Also ones that cross from the first input tensor into the second, and twice the same."""
    rng = random.Random(5)
    inputs = rng.randbytes(INPUT_BYTES)
    cuts = sorted({0, INPUT_BYTES, FIRST - 1, FIRST, FIRST + 1, *rng.sample(range(INPUT_BYTES), 8)})
    chunks = [(a, inputs[a:b]) for a, b in itertools.pairwise(cuts)]
    chunks += [(FIRST - 20, inputs[FIRST - 20 : FIRST + 20]), (0, b""), (INPUT_BYTES, b"")]
    rng.shuffle(chunks)
    for offset, data in chunks + chunks[:3]:
        for start in range(0, max(len(data), 1), CHUNK):
            assert wire.ask(Type.INPUT, u32(offset + start) + data[start : start + CHUNK]).type == 0x82
    assert wire.ask(Type.INVOKE, crc_of(inputs)).type == 0x83
    assert wire.ask(Type.OUTPUT, u32(5) + u16(20)).payload[4:] == reference(inputs)[5:25]
    assert wire.ask(Type.OUTPUT, u32(OUTPUT_BYTES) + u16(0)).payload == u32(OUTPUT_BYTES)


@pytest.mark.parametrize(
    ("offset", "length"),
    [
        (INPUT_BYTES, 1),
        (INPUT_BYTES - 1, 2),
        (INPUT_BYTES + 1, 0),
        (0xFFFFFFFF, 0),
        (0xFFFFFFFF, 1),
        (0xFFFFFFFF, CHUNK),
        (0xFFFFFFFE, 3),
        (0x80000000, 1),
        (2**32 - CHUNK + 1, CHUNK),
    ],
)
def test_input_out_of_range_is_refused_and_writes_nothing(wire: Wire, offset: int, length: int) -> None:
    inputs = random.Random(6).randbytes(INPUT_BYTES)
    give_inputs(wire, inputs)
    assert wire.fails(Type.INPUT, u32(offset) + b"\xee" * length) == Failure.BAD_RANGE
    assert wire.ask(Type.INVOKE, crc_of(inputs)).type == 0x83


@pytest.mark.parametrize(
    ("offset", "length"),
    [
        (OUTPUT_BYTES, 1),
        (OUTPUT_BYTES - 1, 2),
        (0xFFFFFFFF, 1),
        (0xFFFFFFFF, 0),
        (0xFFFFFF00, 0x1FF),
        (0, CHUNK + 1),
        (0, 0xFFFF),
    ],
)
def test_output_out_of_range_is_refused(wire: Wire, offset: int, length: int) -> None:
    assert wire.fails(Type.OUTPUT, u32(offset) + u16(length)) == Failure.BAD_RANGE


@pytest.mark.parametrize(
    ("kind", "payload"),
    [
        (Type.HELLO, b"x"),
        (Type.INPUT, b""),
        (Type.INPUT, b"abc"),
        (Type.INVOKE, b""),
        (Type.INVOKE, b"12345"),
        (Type.OUTPUT, b"12345"),
        (Type.OUTPUT, b"1234567"),
    ],
)
def test_a_payload_of_the_wrong_length_is_refused(wire: Wire, kind: Type, payload: bytes) -> None:
    assert wire.fails(kind, payload) == Failure.BAD_RANGE


@pytest.mark.parametrize("kind", [0x00, 0x07, 0x08, 0x7F, 0x81, 0xFF])
def test_an_unknown_type_is_refused(wire: Wire, kind: int) -> None:
    assert wire.fails(kind, b"whatever") == Failure.UNKNOWN_TYPE


def test_a_frame_with_any_one_byte_broken_changes_nothing(wire: Wire) -> None:
    inputs = random.Random(7).randbytes(INPUT_BYTES)
    frame = Frame(Type.INPUT, 9, u32(3) + b"\xee" * 20).encode()
    for position in range(len(frame)):
        give_inputs(wire, inputs)
        wire.send(frame[:position] + bytes((frame[position] ^ 0x10,)) + frame[position + 1 :])
        came = wire.still_answers()
        assert all(answer == Frame(Type.FAIL, 0, bytes((Failure.CORRUPT,))) for answer in came), position
        assert came or position < 2, "a broken frame is told, unless its sync mark was broken"
        assert wire.ask(Type.INVOKE, crc_of(inputs)).type == 0x83


def test_a_frame_cut_anywhere_is_freed_by_zeros(wire: Wire) -> None:
    inputs = random.Random(8).randbytes(INPUT_BYTES)
    give_inputs(wire, inputs)
    frame = Frame(Type.INPUT, 9, u32(0) + b"\xee" * CHUNK).encode()
    for length in (*range(12), 100, len(frame) - 4, len(frame) - 1):
        wire.send(frame[:length])
        wire.still_answers()
    assert wire.ask(Type.INVOKE, crc_of(inputs)).type == 0x83


@pytest.mark.parametrize("length", [DEVICE_MAX + 1, 0x8000, 0xFFFF])
def test_a_length_beyond_the_buffer_is_refused_at_once(wire: Wire, length: int) -> None:
    wire.send(b"\xa5\x5a\x02\x07" + u16(length))
    assert wire.receive(5) == (Frame(Type.FAIL, 0, bytes((Failure.CORRUPT,))),)
    assert wire.ask(Type.HELLO).type == 0x81  # and needs no zeros


@pytest.mark.parametrize("halves", [1, 2, 3])
def test_a_sync_mark_behind_halves_of_one(wire: Wire, halves: int) -> None:
    wire.send(b"\xa5" * halves + Frame(Type.HELLO, 44).encode())
    assert wire.receive(5)[0].seq == 44


def test_a_small_buffer(tmp_path: Path) -> None:
    program = build_host_tester(tmp_path, ["-DTG_TESTER_MAX_PAYLOAD=64"])
    inputs = random.Random(9).randbytes(INPUT_BYTES)
    with connected([program]) as wire:
        assert wire.ask(Type.HELLO).payload[2:4] == u16(64)
        for offset in range(0, INPUT_BYTES, 60):
            assert wire.ask(Type.INPUT, u32(offset) + inputs[offset : offset + 60]).type == 0x82
        assert wire.ask(Type.INVOKE, crc_of(inputs)).type == 0x83
        assert wire.ask(Type.OUTPUT, u32(0) + u16(60)).payload[4:] == reference(inputs)[:60]
        assert wire.fails(Type.OUTPUT, u32(0) + u16(61)) == Failure.BAD_RANGE


# Bytes that look like the protocol find more than plain random ones
_WORDS = st.sampled_from(
    [b"\xa5", b"\x5a", b"\xa5\x5a", bytes(4), b"\xff" * 4, Frame(Type.HELLO, 1).encode()]
    + [Frame(kind, 2, u32(offset) + u16(600)).encode() for kind in range(6) for offset in (0, 700, 0xFFFFFFFF)]
    + [b"\xa5\x5a\x02\x01" + u16(length) for length in (0, 3, 512, 513)]
)
_JUNK = st.lists(st.one_of(_WORDS, st.binary(max_size=700)), max_size=8).map(b"".join)


@settings(max_examples=FUZZ_EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(junk=_JUNK)
def test_whatever_comes_a_clean_hello_is_answered(wire: Wire, junk: bytes) -> None:
    wire.send(junk)
    wire.still_answers()


def test_of_one_model_only_the_first_can_be_selected(wire: Wire) -> None:
    answer = wire.ask(Type.SELECT, bytes((0,)))
    assert (answer.type, answer.payload) == (0x85, bytes((0,)))
    for payload in (bytes((1,)), bytes((255,)), b"", bytes(2)):
        assert wire.fails(Type.SELECT, payload) == Failure.BAD_RANGE
