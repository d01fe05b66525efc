"""The report of a plan: figures that add up, a map that shows what the plan says, pictures and a page that parse."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser
from itertools import pairwise

import numpy as np
import pytest

from tests.exact.networks import networks
from tests.support.c_build import plan_of
from tests.support.everything import everything_graph
from tests.support.tflite_builder import ModelBuilder
from tinygen.boards import get_board
from tinygen.ir import Graph
from tinygen.kernels import build_program
from tinygen.load.tflite import parse_tflite
from tinygen.plan import Plan, make_plan
from tinygen.plan.search import OPTIMIZE
from tinygen.report.drawing import frontier_svg, memory_svg, round_steps
from tinygen.report.memory_map import frontier_text, plan_text
from tinygen.report.moment import find_peak, moved_over, show_name
from tinygen.report.page import plan_page
from tinygen.report.plan_figures import Point, frontier_points, optimality, plan_json
from tinygen.stack import Stack
from tinygen.verify import verify

SVG = "{http://www.w3.org/2000/svg}"
EVIL = "a/<b>&\"'\x07</script>\nc"


@cache
def _chain(name: str = "conv") -> Graph:
    """Four convolutions, narrow at both ends and wide between; `name` is part of every tensor's name."""
    b = ModelBuilder()
    x = b.input((1, 12, 8, 2), 0.1)
    for index in range(4):
        y = b.tensor((1, 12, 8, 2 if index == 3 else 8), 0.1, name=f"{name}{index}")
        weights = b.constant(np.full((b.shape(y)[3], 3, 3, b.shape(x)[3]), 7, np.int8), 0.1)
        b.op("CONV_2D", [x, weights], [y], strideH=1, strideW=1, dilationHFactor=1, dilationWFactor=1, padding=0)
        x = y
    return verify(parse_tflite(b.build([x]), "chain", "chain"))


def _plan(optimize: str = "ram", name: str = "conv", by_rows: bool = False) -> Plan:
    return make_plan(build_program(_chain(name)), optimize, by_rows)


def _points(plan: Plan) -> tuple[Point, ...]:
    return frontier_points(plan.frontier)


@pytest.mark.parametrize("optimize", OPTIMIZE)
def test_the_peak_is_the_sum_of_what_is_alive(optimize: str) -> None:
    plans = [_plan(optimize), *(make_plan(plan_of(case.graph).program, optimize) for case in networks(10))]
    for plan in plans:
        peak = find_peak(plan)
        assert peak.live_bytes == sum(a.high - a.low for a in peak.alive) - peak.shared_bytes
        assert 0 < peak.live_bytes <= plan.lower_bound_bytes <= plan.arena_bytes
        assert all(a.placed.offset + a.high <= plan.arena_bytes for a in peak.alive)


def test_the_peak_in_words() -> None:
    speed = find_peak(_plan("speed"))
    assert re.fullmatch(r"while layer [12] \(CONV_2D\) makes row \d+ of 12", speed.when)
    assert any("'conv1', 12 rows: made by layer 1, read by layer 2" in a.text for a in speed.alive)
    rings = [a.text for a in find_peak(_plan()).alive if "ring of" in a.text]
    assert any(re.search(r"'conv\d', ring of [34] of 12 rows: made by layer \d, read by layer \d", t) for t in rings)


def test_the_text_shows_each_layer_and_buffer() -> None:
    plan = _plan()
    text = plan_text(plan, "ram")
    assert f"arena {plan.arena_bytes:,} bytes with --optimize ram" in text
    assert re.search(r"layers \d to \d together, a row of '.*' a turn, \d+ turns:", text)
    drawn = re.findall(r"^ +(\d) +CONV_2D +\d+ \|(.{56})\| +([\d,]+)$", text, re.MULTILINE)
    assert [int(index) for index, _, _ in drawn] == [0, 1, 2, 3]
    for index, row, _ in drawn:
        assert "O" in row or index == "3"
        assert "I" in row or index == "0"
    for placed in plan.placed:
        assert re.search(rf"^ *{placed.offset:,} +{placed.buffer.size:,}  .*{placed.buffer.name}", text, re.MULTILINE)


def test_inputs_by_rows_have_a_report_too() -> None:
    plan = _plan(by_rows=True)
    assert "ring of" in plan_text(plan, "ram")
    assert len(_shapes(memory_svg(plan))) >= len(plan.placed)


def test_moves_in_over() -> None:
    """A window over all rows in place: the output takes its input's bytes."""
    plan = _plan("speed")
    over = {p.buffer.name: moved_over(plan, p) for p in plan.placed}
    assert any(f"conv{i}" in over[f"conv{i + 1}"] for i in range(3))
    for placed in plan.placed:
        for name in moved_over(plan, placed):
            other = next(p for p in plan.placed if p.buffer.name == name)
            assert max(placed.offset, other.offset) < min(placed.end, other.end)


def test_whether_it_is_optimal_is_said() -> None:
    plan = _plan()
    assert "proven optimal" in optimality(replace(plan, lower_bound_bytes=plan.arena_bytes))
    larger = replace(plan, lower_bound_bytes=1000, arena_bytes=1250)
    assert optimality(larger).startswith("250 bytes (25.0 %) above the lower bound")


def test_json() -> None:
    plan = _plan()
    report = plan_json(plan, "ram", Stack(96, "96 bytes"), _points(plan))
    assert (report["optimize"], report["stack_bytes"]) == ("ram", 96)
    segments = report["segments"]
    assert isinstance(segments, list)
    assert segments[0]["first"] == 0
    assert segments[-1]["last"] == 3
    streamed = next(s for s in segments if s["height"])
    assert streamed["turns"] * streamed["height"] >= 12
    buffers = report["buffers"]
    assert isinstance(buffers, list)
    assert {b["ring_rows"] > 0 for b in buffers} == {True, False}
    points = report["frontier"]
    assert isinstance(points, list)
    assert {word for p in points for word in p["chosen_by"]} == set(OPTIMIZE)
    assert plan_json(plan, "ram", None, None)["stack_bytes"] is None
    assert plan_json(plan, "ram", None, None)["frontier"] is None


def test_the_frontier_falls() -> None:
    plan = _plan()
    points = _points(plan)
    assert len(points) > 1
    assert all(a.arena_bytes < b.arena_bytes and a.cost > b.cost for a, b in pairwise(points))
    assert points[0].arena_bytes == plan.arena_bytes
    assert "ram" in points[0].chosen_by
    assert "speed" in points[-1].chosen_by
    for word in OPTIMIZE:
        (chosen,) = (p for p in points if word in p.chosen_by)
        assert make_plan(plan.program, word).arena_bytes == chosen.arena_bytes
    text = frontier_text(points)
    for p in points:
        assert re.search(rf"^ *{p.arena_bytes:,} +{p.lower_bound_bytes:,} +{p.cost:,} ", text, re.MULTILINE)


def _shapes(svg: str) -> list[tuple[str, list[tuple[float, float]]]]:
    """(title, corners) of each buffer's shape."""
    found = []
    for path in ET.fromstring(svg).iter(f"{SVG}path"):
        title = path.find(f"{SVG}title")
        if title is not None and title.text is not None:
            corners = re.findall(r"([\d.]+) ([\d.]+)", path.attrib["d"])
            found.append((title.text, [(float(x), float(y)) for x, y in corners]))
    return found


@pytest.mark.parametrize("optimize", ["ram", "speed"])
def test_the_picture_shows_every_buffer_in_its_place(optimize: str) -> None:
    plan = _plan(optimize)
    shapes = _shapes(memory_svg(plan))
    for placed in plan.placed:
        b = placed.buffer
        mine = [c for title, corners in shapes if title.startswith(f"{b.name}: ") for c in corners]
        low = placed.offset + int(b.low[b.low < b.high].min())
        high = placed.offset + int(b.high[b.low < b.high].max())
        assert max(y for _, y in mine) == pytest.approx(420 - low * 420 / plan.arena_bytes, abs=0.2)
        assert min(y for _, y in mine) == pytest.approx(420 - high * 420 / plan.arena_bytes, abs=0.2)
        assert 0 <= min(x for x, _ in mine) < max(x for x, _ in mine) <= 900


def test_scratch_is_drawn_as_often_as_it_is_alive() -> None:
    plan = plan_of(everything_graph())
    titles = [title for title, _ in _shapes(memory_svg(plan))]
    for placed in plan.placed:
        assert any(title.startswith(f"{show_name(placed.buffer.name)}: ") for title in titles)


def test_the_frontier_as_a_picture() -> None:
    points = _points(_plan())
    root = ET.fromstring(frontier_svg(points))
    circles = list(root.iter(f"{SVG}circle"))
    assert len(circles) == len(points)
    x = [float(c.attrib["cx"]) for c in circles]
    y = [float(c.attrib["cy"]) for c in circles]
    assert x == sorted(x)
    assert y == sorted(y)  # down: cheaper
    labels = " ".join(t.text or "" for t in root.iter(f"{SVG}text"))
    assert all(word in labels for word in OPTIMIZE)
    ET.fromstring(frontier_svg(points[:1]))


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for key, value in attrs if key in ("src", "href")]
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_is_whole_and_needs_nothing_else() -> None:
    plan = _plan()
    content = plan_page(plan, "ram", get_board("uno"), Stack(96, "96 bytes: avr-gcc"), _points(plan)).decode()
    page = _Page()
    page.feed(content)
    assert page.open == []
    assert page.links == []
    assert page.tags.count("svg") == 2
    assert "script" not in page.tags
    for text in (
        "96 bytes: avr-gcc",
        "Arduino Uno",
        "conv_2d_s8",
        f"{plan.program.macs:,}",
        f"{plan.arena_bytes:,} bytes",
    ):
        assert text in content


def test_names_out_of_a_model_do_no_harm() -> None:
    plan = _plan("ram", EVIL)
    shapes = _shapes(memory_svg(plan))
    assert any(title.startswith("a/<b>&\"'?</script>?c0: ") for title, _ in shapes)
    page = _Page()
    page.feed(plan_page(plan, "ram", None, None, _points(plan)).decode())
    assert not {"b", "script"} & set(page.tags)
    assert "\x07" not in plan_text(plan, "ram")


@pytest.mark.parametrize("highest", [1, 4, 768, 6128, 16384, 1_000_000])
def test_round_steps(highest: int) -> None:
    steps = round_steps(highest)
    assert steps[0] == 0
    assert steps[-1] < highest
    assert len(steps) <= 8
    assert highest < 4 or len(steps) >= 3
