"""A headless Chromium that looks at a page: what it says on its console, and a picture."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from html import escape
from pathlib import Path

import pytest

_NAMES = ("chromium", "chromium-browser", "google-chrome")
PROGRAM = next((found for found in map(shutil.which, _NAMES) if found), None)
needs_browser = pytest.mark.skipif(PROGRAM is None, reason="no Chromium is installed (`make test` does it)")
_OPTIONS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--hide-scrollbars"),
    *("--disable-background-networking", "--disable-extensions", "--disable-sync", "--enable-logging=stderr"),
)
# a window has at least 500 px, so the page lies in a frame as wide as a phone; a script tells the outside its size
_FRAME = """<!DOCTYPE html><html><head><title>none</title><style>body {{ margin: 0 }}</style></head>
<body><iframe srcdoc="{page}" style="border: 0; width: {width}px; height: {height}px"></iframe></body></html>"""
_MEASURE = """<script>addEventListener("load", () => {
  const root = document.documentElement;
  parent.document.title = `${Math.max(root.scrollWidth, document.body.scrollWidth)} ${innerWidth} ${root.scrollHeight}`;
});</script>"""


@dataclass(frozen=True)
class Seen:
    """What the browser made of a page: what it said on its console, widths and height in px, and a picture (PNG)."""

    console: tuple[str, ...]
    scroll_width: int
    width: int
    height: int
    picture: bytes


def look_at(page: Path, width: int, height: int = 900) -> Seen:
    """Open a page in a window of that size, take a picture, and measure it."""
    picture = page.with_name(f"{page.stem}-{width}.png")
    content = page.read_text(encoding="utf-8")
    framed = page.with_name(f"{page.stem}-framed.html")
    framed.write_text(_FRAME.format(page=escape(content), width=width, height=height), encoding="utf-8")
    said = _run(framed, width, height, f"--screenshot={picture}")[1]
    measured = content.replace("</head>", f"{_MEASURE}</head>")
    framed.write_text(_FRAME.format(page=escape(measured), width=width, height=height), encoding="utf-8")
    dom = _run(framed, width, height, "--dump-dom")[0]
    found = re.search(r"<title>(\d+) (\d+) (\d+)</title>", dom)
    assert found is not None, dom[:500]
    console = tuple(line for line in said.splitlines() if "CONSOLE" in line)
    scroll, inner, tall = map(int, found.groups())
    return Seen(console, scroll, inner, tall, picture.read_bytes())


def _run(page: Path, width: int, height: int, action: str) -> tuple[str, str]:
    assert PROGRAM is not None
    with tempfile.TemporaryDirectory(prefix="browser-", ignore_cleanup_errors=True) as profile:
        command = [PROGRAM, *_OPTIONS, f"--user-data-dir={profile}", f"--window-size={width},{height}", action]
        done = subprocess.run([*command, page.as_uri()], capture_output=True, text=True, timeout=120, check=True)
    return done.stdout, done.stderr
