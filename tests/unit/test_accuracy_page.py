"""docs/accuracy.md says what bench/accuracy.json holds, and what must hold of that is looked at."""

from __future__ import annotations

import copy
import json
from typing import Any

import numpy as np
import pytest

from tests.support.accuracy_page import FIGURES, PAGE, failures, interval, page


@pytest.fixture
def found() -> Any:
    return json.loads(FIGURES.read_text())


def test_the_page_is_of_these_figures(found: Any) -> None:
    assert page(found) == PAGE.read_text(), "make accuracy writes both"
    assert failures(found) == ()
    assert len(found["tasks"]) >= 4
    assert {task["measure"] for task in found["tasks"].values()} == {"accuracy", "AUC"}
    assert all(model["db"] > model["plain_db"] + 15 for model in found["hard"])


def test_the_interval() -> None:
    """Against the table of Student's t: 2.776 for five values."""
    found = interval([0.01, 0.02, 0.03, 0.04, 0.05])
    assert found.mean == pytest.approx(3.0)
    assert found.half == pytest.approx(2.776 * np.sqrt(2.5 / 5))


def test_every_failure_is_told(found: Any) -> None:
    def wrong(change: dict[str, float]) -> str:
        altered = copy.deepcopy(found)
        for row in altered["tasks"]["vowels"]["seeds"]:
            row.update({key: row[key] + value for key, value in change.items()})
        return "\n".join(failures(altered))

    assert "vowels: tinygen loses" in wrong({"tinygen": -0.01})
    assert "below the converter by more than chance" in wrong({"plain": 0.01})
    assert wrong({"tinygen": -0.0005, "plain": -0.0005}) == ""
    few = copy.deepcopy(found)
    few["hard"][0]["causes"] = []
    few["compressed"]["states"][-1]["int8_score"] -= 0.02
    few["compressed"]["states"][-1]["macs"] *= 2
    few["compressed"]["instructions"][1] = few["compressed"]["instructions"][0]
    told = "\n".join(failures(few))
    assert "the doctor names no cause" in told
    assert "loses more than 1 %" in told
    assert "of the multiply-accumulates" in told
    assert "of the instructions" in told
