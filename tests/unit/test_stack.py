"""The stack of invoke out of what the compiler says: frames, the deepest chain, and what cannot be known."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.golden.test_golden import tiny_files
from tinygen.boards import get_board
from tinygen.report.size import Size
from tinygen.stack import HELPER_BYTES, LIBRARY_BYTES, deepest, frames_of, invoke_stack


def test_frames() -> None:
    usage = (
        "src/m.c:294:6:m_invoke\t128\tstatic\n"
        "C:\\lib\\conv.h:50:16:tg_conv.constprop\t16\tstatic\n"
        "C:\\lib\\conv.h:50:16:tg_conv.constprop\t176\tstatic\n"
        "src/m.c:7:6:sized_by_data\t16\tdynamic\n"
        "src/m.c:7:6:sized_by_data\t900\tstatic\n"
    )
    assert frames_of(usage) == {"m_invoke": 128, "tg_conv.constprop": 176, "sized_by_data": None}


def test_deepest_chain() -> None:
    none: frozenset[str] = frozenset()
    calls = {
        "m_invoke": frozenset({"wide", "tall.constprop.0", "memcpy", "sinf", "m_invoke.cold"}),
        "m_invoke.cold": none,
        "wide": none,
        "tall.constprop.0": frozenset({"__aeabi_ldivmod"}),
    }
    frames = {"m_invoke": 100, "wide": 40, "tall.constprop": 500}
    used, path = deepest("m_invoke", calls, frames)
    assert (used, path) == (600 + HELPER_BYTES, ("m_invoke", "tall.constprop.0", "__aeabi_ldivmod"))
    assert deepest("m_invoke", calls, {**frames, "tall.constprop": 0}) == (100 + LIBRARY_BYTES, ("m_invoke", "sinf"))
    assert deepest("wide", calls, frames) == (40, ("wide",))


def test_recursion_is_no_number() -> None:
    calls = {"a": frozenset({"b"}), "b": frozenset({"a"})}
    with pytest.raises(AssertionError, match="a > b > a"):
        deepest("a", calls, {"a": 8, "b": 8})


def test_no_compiler_no_number() -> None:
    board = replace(get_board("qemu-cortex-m4"), compiler="nowhere-to-be-found-")
    stack = invoke_stack(tiny_files(), "tiny", board)
    assert stack.invoke_bytes is None
    assert stack.text == "unknown: nowhere-to-be-found-gcc is not installed"


def test_code_that_does_not_compile_has_no_number() -> None:
    board = replace(get_board("host"), flags=("-DTG_TRACE(a,b,c)=not_there()", "-Werror"))
    stack = invoke_stack(tiny_files(), "tiny", board)
    assert stack.invoke_bytes is None
    assert "gcc fails" in stack.text
    assert "not_there" in stack.text


def test_a_frame_of_a_size_that_depends_on_data_has_no_number() -> None:
    trace = "void *tiny_keep; __attribute__((noinline)) void tiny_trace(int n) { char b[n]; tiny_keep = b; }"
    files = tiny_files()
    source = f"{trace}\n#define TG_TRACE(a, b, c) tiny_trace(c)\n".encode() + files["src/tiny.c"]
    stack = invoke_stack({**files, "src/tiny.c": source}, "tiny", replace(get_board("host"), flags=("-w",)))
    assert stack.invoke_bytes is None
    assert "depends on data" in stack.text


def test_a_stack_beyond_the_reserve_takes_its_place() -> None:
    uno = get_board("uno")
    assert Size(1700, 100, stack=100).reserve(uno) == uno.stack_bytes == 256
    assert Size(1700, 100, stack=100).fits(uno)
    assert Size(1700, 100, stack=400).reserve(uno) == 400
    assert not Size(1700, 100, stack=400).fits(uno)
    assert Size(1700, 100, stack=400).reserve(get_board("esp32")) == 0
