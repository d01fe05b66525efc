"""Decisions tuned on labelled recordings: the counting, the choice, the file, and the command line to the board."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from tests.decision.test_decide import tensor
from tests.emulated.test_play import write_table
from tests.support.cli import tinygen
from tests.support.feature_models import definition, echo_model
from tinygen.decision.decider import DecisionTable, decide, make_decider
from tinygen.decision.events import Event, read_events
from tinygen.decision.rewrite import with_decision
from tinygen.decision.tradeoff import Heard, chosen, count_decisions, frontier, sweep
from tinygen.errors import TinygenError
from tinygen.features import compute
from tinygen.features.definition import load_table, parse_table

LABELS = ("noise", "yes", "no")


def heard(seed: int = 0, results: int = 4000) -> Heard:
    """0.2 s a result: now and then three high scores for a word, and single ones for nothing."""
    rng = np.random.default_rng(seed)
    scores = np.full((results, 3), -128, np.int8)
    scores[:, 0] = 100
    events = []
    for at in range(20, results - 10, 50):
        label = int(rng.integers(1, 3))
        if rng.random() < 0.5:
            scores[at : at + 3, label] = rng.integers(60, 128)
            scores[at : at + 3, 0] = -100
            events.append(Event(at * 0.2 - 0.3, at * 0.2 + 0.4, LABELS[label]))
        elif rng.random() < 0.4:
            scores[at, label], scores[at, 0] = rng.integers(100, 128), -100
    return Heard(scores, [0.2 * k for k in range(results)], results * 0.2, tuple(events))


def test_counts() -> None:
    events = (Event(1.0, 2.0, "yes"), Event(3.0, 4.0, "no"))
    assert count_decisions([(1.5, "yes"), (4.9, "no")], events, 1.0) == (2, 0)
    assert count_decisions([(1.5, "yes"), (1.9, "yes")], events, 1.0) == (1, 1)  # twice is once too often
    assert count_decisions([(0.9, "yes"), (5.1, "no"), (1.5, "no")], events, 1.0) == (0, 3)
    assert count_decisions([], events, 1.0) == (0, 0)


def test_smoothing_is_found_where_it_helps() -> None:
    """Single high scores are false accepts unless some results are averaged; the choice holds on other recordings."""
    outcomes = sweep([heard(0), heard(1)], tensor(3), LABELS, ("noise",), 1.0, 0.2, 1.0)
    best = chosen(outcomes, 0.5)
    assert best.false_accepts == 0
    assert best.recall == 1.0
    assert best.setting.smoothing in (2, 3, 4)
    alone = [o for o in outcomes if o.setting.smoothing == 1 and o.recall == 1.0]
    assert min(o.false_accepts for o in alone) >= 10
    s, other = best.setting, heard(2)
    table = DecisionTable(s.smoothing, (s.threshold,), s.refractory, ("noise",), LABELS)
    decided = decide(other.scores, make_decider(table, tensor(3), ()))
    made = [(other.seconds[at], LABELS[label]) for at, label in enumerate(decided) if label >= 0]
    assert count_decisions(made, other.events, 1.0) == (len(other.events), 0)


def test_frontier_rises() -> None:
    clear, rng = heard(), np.random.default_rng(5)
    blurred = np.clip(clear.scores + rng.normal(0, 150, clear.scores.shape), -128, 127).astype(np.int8)
    outcomes = sweep([replace(clear, scores=blurred)], tensor(3), LABELS, ("noise",), 1.0, 0.2, 0.2)
    points = frontier(outcomes)
    assert len(points) >= 2
    for a, b in pairwise(points):
        assert a.false_accepts < b.false_accepts
        assert a.found < b.found
    for o in outcomes:
        assert any(p.false_accepts <= o.false_accepts and p.found >= o.found for p in points)


def test_nothing_fits() -> None:
    quiet = Heard(heard().scores, heard().seconds, 800.0, (Event(1.0, 2.0, "yes"),))
    outcomes = sweep([quiet], tensor(3), LABELS, ("noise",), 1.0, 0.2, 1.0)
    with pytest.raises(TinygenError, match="nothing is found"):
        chosen(outcomes, 0.5)
    with pytest.raises(TinygenError, match="no events"):
        sweep([Heard(quiet.scores, quiet.seconds, 800.0, ())], tensor(3), LABELS, (), 1.0, 0.2, 1.0)


TABLE = """# of a kitchen
kind = "log_mel"   # 40 bands
rate = 16000
window = 480
hop = 320
bands = 40
"""


@pytest.mark.parametrize(
    "old",
    [
        "",
        "\n[decision]\nthreshold = [0.1,\n 0.2]\n",
        "\n[decision] # mine\nsmoothing = 3\n# the end\n",
        "\n[ decision ]",
    ],
)
def test_the_rest_of_the_file_stays(old: str) -> None:
    table = DecisionTable(4, (0.75,), 5, ('a "b"', "ünï"), ('a "b"', "ünï", "c"))
    made = with_decision(TABLE + old, table)
    assert made.startswith(TABLE)
    assert parse_table(made)[1]["decision"] == {
        "smoothing": 4, "threshold": 0.75, "refractory": 5, "background": ['a "b"', "ünï"],
        "labels": ['a "b"', "ünï", "c"],
    }  # fmt: skip
    assert with_decision(made, table) == made


def test_what_cannot_be_replaced_is_refused() -> None:
    with pytest.raises(TinygenError, match="cannot be replaced") as error:
        with_decision(TABLE + "decision = {smoothing = 2}\n", DecisionTable(1, (0.5,), 0, (), ()))
    assert "threshold = 0.5" in error.value.hint


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("1,2\n", "line 1: this is no event"),
        ("start,end,label\n1,x,yes\n", "line 2: this is no event"),
        ("2,1,yes\n", "an event from 2 to 1"),
        ("1,nan,yes\n", "an event from"),
        ("1,2,\n", "an event from"),
        ("90,91,yes\n", "it begins at 90 s"),
        (b"\xff\xfe\x00", "cannot be read"),
    ],
)
def test_bad_events(text: str | bytes, says: str, tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(TinygenError, match=says):
        read_events(path, 60.0)


def tones(path: Path, seed: int) -> None:
    """A minute of noise in which tones of 0.3 s are to be found, and short clicks of the same are not; with its CSV.

    The model gives back its features, so that the label of the highest score is the loudest band.
    """
    rng = np.random.default_rng(seed)
    samples, lines = rng.normal(0, 300, 16000 * 60), ["start,end,label"]
    for at in range(16000, 16000 * 59, 24000):
        label, hertz = (("low", 500), ("high", 2000))[int(rng.integers(2))]
        length = 4800 if rng.random() < 0.6 else 400
        samples[at : at + length] += 6000 * np.sin(2 * np.pi * hertz * np.arange(length) / 16000)
        if length == 4800:
            lines.append(f"{at / 16000},{at / 16000 + 0.3},{label}")
    np.save(path, samples.astype(np.int16))
    path.with_suffix(".csv").write_text("\n".join(lines) + "\n")


def test_from_recording_to_decisions_on_a_board(tmp_path: Path) -> None:
    """Tuned on one recording, played another one: every tone is heard once, no click is."""
    (tmp_path / "net.tflite").write_bytes(echo_model(1, 40))
    names = [f"b{k}" for k in range(40)]
    for hertz, label in ((500, "low"), (2000, "high")):
        tone = 6000 * np.sin(2 * np.pi * hertz * np.arange(480) / 16000)
        names[int(compute(tone.astype(np.int16), definition("log_mel")).argmax())] = label
    write_table(tmp_path / "net.toml", "log_mel", decision={})
    text = (tmp_path / "net.toml").read_text().replace("decision = {}", "").rstrip()
    (tmp_path / "net.toml").write_text(f"{text}\n[decision]\nlabels = {names}\n")
    for seed in (1, 2):
        tones(tmp_path / f"x{seed}.npy", seed)
    background = [part for name in names if name not in ("low", "high") for part in ("--background", name)]
    arguments = ("tune-decision", "net.tflite", "--recording", "x1.npy", *background, "--tolerance", "0.5")
    found = tinygen(*arguments, "--json", "--svg", "c.svg", "--html", "c.html", cwd=tmp_path).json()
    assert found["chosen"]["recall"] == 1.0
    assert found["chosen"]["false_accepts"] == 0
    assert found["chosen"]["smoothing"] > 1
    assert "<svg" in (tmp_path / "c.svg").read_text()
    assert "chosen" in (tmp_path / "c.html").read_text()
    made = load_table(tmp_path / "net.toml")[1]["decision"]
    assert made["threshold"] == found["chosen"]["threshold"]
    assert made["labels"] == names
    report = tinygen("play", "--board", "host", "--recording", "x2.npy", "--json", "net.tflite", cwd=tmp_path).json()
    assert report["pass"] is True
    decisions = [(r["seconds"], r["decision"]) for r in report["recordings"][0] if r["decision"] is not None]
    events = read_events(tmp_path / "x2.csv", 60.0)
    assert count_decisions(decisions, events, 0.5) == (len(events), 0)

    text = tinygen("play", "--board", "host", "--recording", "x2.npy", "net.tflite", cwd=tmp_path).out
    assert [line.split()[2] for line in text.splitlines() if " s  " in line] == [label for _, label in decisions]
    text = tinygen(*arguments, cwd=tmp_path).out
    assert "chosen" in text
    assert "low: " in text
