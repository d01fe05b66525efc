"""The memory map over time and the frontier as plain SVG. What is drawn where is decided here, templates/report prints
it.

Place in the flow: for `tinygen plan --svg` and the page of report/page.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tinygen.plan import Placed, Plan
from tinygen.plan.schedule import DRIVER
from tinygen.plan.timeline import Buffer
from tinygen.render import render
from tinygen.report.moment import find_peak, layers_of, plan_events, rows_of, show_name
from tinygen.report.plan_figures import Point

_WIDTH, _HEIGHT = 900, 420  # of the plot, without its axes
_COLUMNS = 450  # more events than that are drawn several to a column
_HUES = 6
_LETTER = 6  # px, of a label


@dataclass(frozen=True, slots=True)
class _Shape:
    """A buffer while it is alive: an SVG path, and a label where there is room for one."""

    css: str
    path: str
    title: str
    label: str
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class _Tick:
    at: float
    text: str


@dataclass(frozen=True, slots=True)
class _Dot:
    x: float
    y: float
    title: str
    label: str


@dataclass(frozen=True, slots=True)
class _Axes:
    """Scales of the memory map: events to px along x, bytes to px along y, with 0 below."""

    events: int
    arena: int

    def x(self, event: float) -> float:
        return round(event * _WIDTH / self.events, 1)

    def y(self, offset: float) -> float:
        return round(_HEIGHT - offset * _HEIGHT / max(self.arena, 1), 1)


def memory_svg(plan: Plan) -> str:
    """Events along x, bytes of the arena along y, and each buffer in the place and at the time that it is alive.

    Labels: the layer that makes a tensor, and its name.
    """
    events = plan_events(plan)
    axes = _Axes(len(events) + 2, plan.arena_bytes)
    shapes = [s for i, placed in enumerate(plan.placed) for s in _shapes(plan, placed, i, axes)]
    peak = find_peak(plan)
    context = {
        "title": f"{plan.program.graph.name}: {plan.arena_bytes:,} bytes of arena over one inference",
        "peak": f"peak: {peak.live_bytes:,} bytes alive {peak.when}",
        "width": _WIDTH,
        "height": _HEIGHT,
        "shapes": shapes,
        "x_ticks": _segment_ticks(plan, axes),
        "y_ticks": [_Tick(axes.y(v), f"{v:,}") for v in round_steps(plan.arena_bytes)],
        "top": _Tick(axes.y(plan.arena_bytes), f"{plan.arena_bytes:,}"),
    }
    return render("report/memory.svg.j2", m=context).decode()


@dataclass(frozen=True, slots=True)
class FrontierDot:
    """x and y in their units; a dot with a label is a choice."""

    x: float
    y: float
    title: str
    label: str


def frontier_svg(points: Sequence[Point]) -> str:
    """Arena along x, estimated instructions along y, a dot for each schedule; the choices of --optimize are named."""
    dots = [
        FrontierDot(
            p.arena_bytes,
            p.cost,
            f"{p.arena_bytes:,} bytes, {p.cost:,} instructions",
            ", ".join(p.chosen_by),
        )
        for p in points
    ]
    titles = (
        "Arena against the estimated cost of the schedule",
        "bytes of arena",
        "estimated instructions of one inference",
    )
    return dots_svg(dots, titles, "{:,}", "{:,}")


def dots_svg(points: Sequence[FrontierDot], titles: tuple[str, str, str], x_format: str, y_format: str) -> str:
    """Dots by rising x, joined by a line; titles of the chart, of x and of y. The first and the last have ticks."""
    width, height = 560, 240
    xs, ys = [p.x for p in points], [p.y for p in points]
    dots = [
        _Dot(_between(p.x, min(xs), max(xs), width), height - _between(p.y, min(ys), max(ys), height), p.title, p.label)
        for p in points
    ]
    context = {
        "title": titles[0],
        "x_title": titles[1],
        "y_title": titles[2],
        "width": width,
        "height": height,
        "dots": dots,
        "x_ticks": [_Tick(d.x, x_format.format(x)) for d, x in zip(dots, xs, strict=True) if x in (xs[0], xs[-1])],
        "y_ticks": [_Tick(d.y, y_format.format(y)) for d, y in zip(dots, ys, strict=True) if y in (ys[0], ys[-1])],
    }
    return render("report/frontier.svg.j2", m=context).decode()


def _between(value: float, low: float, high: float, length: int) -> float:
    return round((value - low) * length / (high - low), 1) if high > low else length / 2


def round_steps(highest: int) -> list[int]:
    """0 and three to seven multiples of 1, 2 or 5 times a power of ten below `highest`; only 0 below 4."""
    step = next(m * 10**e for e in range(12) for m in (1, 2, 5) if highest / (m * 10**e) <= 7.5)
    return list(range(0, highest - step // 2, step)) or [0]


def _segment_ticks(plan: Plan, axes: _Axes) -> list[_Tick]:
    """Where each segment begins, with its layers; those that would touch the one before have no text."""
    first: dict[int, int] = {}
    start = 0
    for time, event in enumerate(plan_events(plan), 1):
        segment = next(i for i, s in enumerate(plan.segments) if max(event.step, 0) < s.end)
        if event.step == DRIVER:
            segment = 0
        first.setdefault(segment, time)
    ticks, free = [], -1.0
    for index, start in first.items():
        s = plan.segments[index]
        text = f"{s.first}-{s.end - 1}" if s.end > s.first + 1 else str(s.first)
        x = axes.x(start)
        ticks.append(_Tick(x, text if x >= free else ""))
        free = x + _LETTER * len(text) + 6 if x >= free else free
    return ticks


def _shapes(plan: Plan, placed: Placed, index: int, axes: _Axes) -> Iterator[_Shape]:
    b = placed.buffer
    css = f"h{index % _HUES}" if b.role == "tensor" else "work"
    css += " ring" if b.ring_rows else ""
    rows = rows_of(plan, b)
    name = show_name(b.name)
    where = f"at {plan.position(placed):,}, layers {layers_of(plan, b)}"
    title = f"{name}: {b.size:,} bytes {where}{', ' if rows else ''}{rows}"
    for columns in _runs(b, plan.position(placed), axes):
        path, x, y, room = _outline(columns, axes)
        what = name.rsplit("/", 1)[-1] if b.role == "tensor" else b.role
        short = what if b.first < 0 else f"{b.first} {what}"
        label = short if len(short) * _LETTER <= room else short.split(" ")[0]
        label = label if len(label) * _LETTER <= room else ""
        yield _Shape(css, path, title, label, x, y)


_Column = tuple[int, int, int, int]  # events [start, end), bytes [low, high) of the arena


def _runs(b: Buffer, position: int, axes: _Axes) -> Iterator[list[_Column]]:
    """The buffer's bytes by columns of events, each time that it is alive without a break."""
    width = -(-axes.events // _COLUMNS)
    run: list[_Column] = []
    for start in range(b.start - b.start % width, b.end, width):
        part = slice(max(start - b.start, 0), min(start + width, b.end) - b.start)
        low, high = b.low[part], b.high[part]
        alive = low < high
        if not alive.any():
            if run:
                yield run
            run = []
            continue
        column = (position + int(low[alive].min()), position + int(high[alive].max()))
        if run and run[-1][2:] == column:
            run[-1] = (run[-1][0], start + width, *column)
        else:
            run.append((start, start + width, *column))
    if run:
        yield run


def _outline(columns: Sequence[_Column], axes: _Axes) -> tuple[str, float, float, float]:
    """An SVG path around columns; and x, y and px of the place where most text has room."""
    above = [p for start, end, _, high in columns for p in ((start, high), (end, high))]
    below = [p for start, end, low, _ in reversed(columns) for p in ((end, low), (start, low))]
    points = [f"{axes.x(min(e, axes.events)):g} {axes.y(v):g}" for e, v in (*above, *below)]
    x, y, room = max((_room(columns, i, axes) for i in range(len(columns))), key=lambda found: found[2])
    return f"M{' L'.join(points)} Z", round(x, 1), round(y, 1), room


def _room(columns: Sequence[_Column], index: int, axes: _Axes) -> tuple[float, float, float]:
    """x, y and px of a line of text at the middle height of one column, as far as its neighbours leave room."""
    _, _, low, high = columns[index]
    half = _LETTER * axes.arena / _HEIGHT  # of a line's height, in bytes
    middle = (low + high) / 2
    if high - low < 2 * half:
        return 0.0, 0.0, 0.0
    first = last = index
    while first > 0 and columns[first - 1][2] <= middle - half and middle + half <= columns[first - 1][3]:
        first -= 1
    while last + 1 < len(columns) and columns[last + 1][2] <= middle - half and middle + half <= columns[last + 1][3]:
        last += 1
    start, end = axes.x(columns[first][0]), axes.x(min(columns[last][1], axes.events))
    return (start + end) / 2, axes.y(middle) + 4, end - start
