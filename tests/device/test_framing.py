"""Frames to bytes and back, through garbage."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tinygen.device.framing import OVERHEAD, Frame, Parser, Type

FRAMES = st.builds(Frame, st.integers(0, 255), st.integers(0, 255), st.binary(max_size=64))
NO_SYNC = st.binary(max_size=30).filter(lambda data: b"\xa5" not in data)


def crc32_bit_by_bit(data: bytes) -> int:
    """CRC-32 of IEEE 802.3 as its definition has it; of "123456789" it is CBF43926."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0xEDB88320 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def test_the_bytes_of_a_frame_are_those_of_spec() -> None:
    assert crc32_bit_by_bit(b"123456789") == 0xCBF43926
    crc = crc32_bit_by_bit(b"\x02\x07\x03\x00abc").to_bytes(4, "little")
    assert Frame(Type.INPUT, 7, b"abc").encode() == b"\xa5\x5a\x02\x07\x03\x00abc" + crc


def cut(data: bytes, sizes: list[int]) -> list[bytes]:
    pieces = []
    for size in sizes:
        pieces.append(data[:size])
        data = data[size:]
    return [*pieces, data]


@given(frames=st.lists(st.tuples(NO_SYNC, FRAMES)), sizes=st.lists(st.integers(1, 20)))
def test_frames_survive_garbage_between_them_and_any_cutting(
    frames: list[tuple[bytes, Frame]], sizes: list[int]
) -> None:
    parser = Parser(64)
    data = b"".join(noise + frame.encode() for noise, frame in frames)
    found = [frame for piece in cut(data, sizes) for frame in parser.feed(piece)]
    assert found == [frame for _, frame in frames]
    assert parser.corrupt == 0


@given(junk=st.lists(st.sampled_from([b"\xa5", b"\x5a", b"\xa5\x5a", b"\x00", b"\x10\x00", b"x" * 30])), frame=FRAMES)
def test_no_junk_hides_a_frame_for_good(junk: list[bytes], frame: Frame) -> None:
    parser = Parser(64)
    found = parser.feed(b"".join(junk) + frame.encode())
    assert frame in found + parser.abandon()


@given(frame=FRAMES, data=st.data())
def test_a_frame_with_a_broken_byte_is_none(frame: Frame, data: st.DataObject) -> None:
    coded = bytearray(frame.encode())
    coded[data.draw(st.integers(0, len(coded) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    parser = Parser(64)
    assert frame not in parser.feed(bytes(coded)) + parser.abandon()


@given(st.lists(st.binary(max_size=200)))
def test_random_bytes_never_raise_and_are_not_piled_up(pieces: list[bytes]) -> None:
    parser = Parser(64)
    for piece in pieces:
        parser.feed(piece)
        assert 1 <= parser.needed <= 64 + OVERHEAD
        assert len(parser.noise) <= 400
    parser.abandon()
    assert parser.needed == OVERHEAD


def test_needed_counts_down_to_the_end_of_the_frame() -> None:
    coded = Frame(Type.OUTPUT, 1, bytes(20)).encode()
    parser = Parser(64)
    assert parser.needed == OVERHEAD
    parser.feed(coded[:8])
    assert parser.needed == len(coded) - 8


def test_a_frame_longer_than_allowed_is_skipped() -> None:
    parser = Parser(64)
    assert parser.feed(Frame(1, 1, bytes(65)).encode() + Frame(1, 2).encode()) == (Frame(1, 2),)


def test_text_between_frames_is_kept_for_the_error_message() -> None:
    parser = Parser(64)
    parser.feed(b"Guru Meditation Error\n" + Frame(1, 1).encode())
    assert parser.noise == b"Guru Meditation Error\n"
