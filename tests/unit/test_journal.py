"""The state file of a run: what was written is there again, whatever became of the last line."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.models import small_model
from tinygen.boards import get_board
from tinygen.device.messages import Answer
from tinygen.errors import TinygenError
from tinygen.journal import Journal, Record, identity_of
from tinygen.pipeline import Compiled, compile_model
from tinygen.request import make_request
from tinygen.samples import RawSamples, random_samples

RECORDS = [Record(Answer(bytes([k, 255]), 10 * k, None if k % 2 else k), (k,) * (k % 3)) for k in range(6)]


def write(path: Path, identity: str = "a") -> None:
    with Journal(path, identity) as journal:
        for k, record in enumerate(RECORDS):
            journal.add(0, k, record)


def test_what_was_written_is_there(tmp_path: Path) -> None:
    path = tmp_path / "x.resume"
    write(path)
    with Journal(path, "a") as journal:
        assert journal.resumed == 6
        assert [journal.get(0, k) for k in range(6)] == RECORDS
        assert journal.get(1, 0) is journal.get(0, 6) is None
        journal.finish()
    assert not path.exists()


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cut=st.integers(0, 400))
def test_a_file_that_ends_anywhere(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "x.resume"
    path.unlink(missing_ok=True)
    write(path)
    content = path.read_bytes()[:cut]
    path.write_bytes(content)
    with Journal(path, "a") as journal:
        known = max(content.count(b"\n") - 1, 0)
        assert journal.resumed == known
        journal.add(0, known, RECORDS[5])
    with Journal(path, "a") as journal:
        assert [journal.get(0, k) for k in range(known + 1)] == [*RECORDS[:known], RECORDS[5]]


@pytest.mark.parametrize("junk", [b"", b"\n", b"[" * 5000, b"{}", b'{"tinygen_test": "b"}\n[0,0,"",1,null,[]]\n'])
def test_another_run_or_none(tmp_path: Path, junk: bytes) -> None:
    path = tmp_path / "x.resume"
    path.write_bytes(junk)
    with Journal(path, "a") as journal:
        assert journal.resumed == 0
    write(path)
    with Journal(path, "a") as journal:
        assert journal.resumed == 6


@pytest.mark.parametrize(
    "line", ["[]", "1", '[0,0,"?",1,null,[]]', '[0,-1,"",1,null,[]]', '[0,0,"",1,null,["x"]]', "[0"]
)
def test_lines_that_are_none(tmp_path: Path, line: str) -> None:
    path = tmp_path / "x.resume"
    path.write_text('{"tinygen_test": "a"}\n' + line + "\n")
    with Journal(path, "a") as journal:
        assert journal.resumed == 0


def test_the_identity_is_of_model_data_board_and_options(tmp_path: Path) -> None:
    def compiled(weight: int, optimize: str = "ram") -> Compiled:
        path = tmp_path / "m.tflite"
        path.write_bytes(small_model(weight))
        return compile_model(make_request(path, None, None, {}, False, optimize), None, lambda stage: None)

    one, host, more = compiled(0), get_board("host"), compiled(1)
    samples = random_samples(one.plan.program.graph, 3)
    others = [
        identity_of([(more, samples)], host, False),
        identity_of([(compiled(0, "speed"), samples)], host, False),
        identity_of([(one, RawSamples(samples.inputs[:2]))], host, False),
        identity_of([(one, RawSamples(samples.inputs[::-1]))], host, False),
        identity_of([(one, samples)], get_board("uno"), False),
        identity_of([(one, samples)], host, True),
        identity_of([(one, samples), (more, samples)], host, False),
    ]
    mine = identity_of([(compiled(0), samples)], host, False)
    assert mine == identity_of([(one, samples)], host, False)
    assert len({mine, *others}) == 1 + len(others)


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(TinygenError, match="cannot"):
        Journal(tmp_path / "no" / "x.resume", "a")
