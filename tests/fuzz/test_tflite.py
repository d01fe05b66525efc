"""Whatever a .tflite file holds: a plan or a TinygenError, in time and in 2 GB; never anything else.

What is fuzzed is the whole way from the bytes to the text of the C library, in a process of little memory.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz import corpus
from tests.fuzz.bombs import BOMBS
from tests.fuzz.mutate import spoil_bytes, spoil_tables
from tests.fuzz.process import Compiler

pytestmark = pytest.mark.skipif(os.name != "posix", reason="limits of memory are POSIX")

NIGHTLY = "TINYGEN_NIGHTLY" in os.environ
_FILES = 100_000 if NIGHTLY else 2_400
_EXAMPLES = 10_000 if NIGHTLY else 200  # of Hypothesis, on top
_BLOCKS = 4  # tests, so that they can run side by side

Spoil = Callable[[bytes, Random, bytes], bytes]


def _spoil_tables(content: bytes, random: Random, other: bytes) -> bytes:
    return spoil_tables(content, random)


# (how, of which files, share of _FILES, of the results at least so many must still compile and be refused)
WAYS: dict[str, tuple[Spoil, Callable[[], dict[str, bytes]], float, float, float]] = {
    "bytes of single operators": (spoil_bytes, corpus.operators, 0.3, 0.02, 0.5),
    "bytes of whole models": (spoil_bytes, corpus.whole_models, 0.2, 0.05, 0.4),
    "tables of single operators": (_spoil_tables, corpus.operators, 0.4, 0.2, 0.3),
    "tables of whole models": (_spoil_tables, corpus.whole_models, 0.1, 0.1, 0.3),
}


@pytest.mark.parametrize("block", range(_BLOCKS))
@pytest.mark.parametrize("way", WAYS)
def test_spoiled_files(way: str, block: int, record_property: Callable[[str, object], None]) -> None:
    spoil, files, share, least_plans, least_errors = WAYS[way]
    models, others = files(), list(corpus.operators().values())
    count = int(_FILES * share) // _BLOCKS
    seen: Counter[str] = Counter()
    with Compiler() as compiler:
        for number in range(block * count, (block + 1) * count):
            random = Random(f"{way} {number}")
            name = random.choice(list(models))
            outcome = compiler.outcome(spoil(models[name], random, random.choice(others)))
            assert outcome.kind != "bug", f"number {number}, from {name}: {outcome.text}"
            seen[outcome.kind] += 1
    record_property("fuzz", f"{way}: {count} files, {dict(seen)}")
    assert seen["plan"] >= least_plans * count
    assert seen["error"] >= least_errors * count


def test_the_corpus_itself_compiles() -> None:
    models = corpus.operators() | corpus.whole_models()
    with Compiler() as compiler:
        outcomes = {name: compiler.outcome(content) for name, content in models.items()}
    assert {name: o.text for name, o in outcomes.items() if o.kind != "plan"} == {}
    assert len(models) > 300


@settings(max_examples=_EXAMPLES)
@given(st.randoms(use_true_random=False), st.sampled_from(sorted(corpus.operators())))
def test_spoiled_tables_that_shrink(random: Random, name: str) -> None:
    """The same by Hypothesis, which looks elsewhere and cuts a failure down to one change."""
    outcome = _shared_compiler().outcome(spoil_tables(corpus.operators()[name], random, edits=2))
    assert outcome.kind != "bug", f"{name}: {outcome.text}"


def _shared_compiler() -> Compiler:
    """One for all examples of Hypothesis, which has no fixtures per test."""
    if not _shared:
        _shared.append(Compiler().__enter__())
    return _shared[0]


_shared: list[Compiler] = []


@pytest.fixture(scope="module", autouse=True)
def _end_shared_compiler() -> object:
    yield
    while _shared:
        _shared.pop().__exit__(None, None, None)


@pytest.mark.parametrize("name", BOMBS)
def test_bombs(name: str) -> None:
    """Nothing here needs so long; what does is a bug."""
    with Compiler() as compiler:
        outcome = compiler.outcome(BOMBS[name](), deadline=60)
    assert outcome.kind != "bug", outcome.text
