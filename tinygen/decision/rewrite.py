"""The table [decision] of a TOML file written anew; all else stays as it is, byte for byte.

Place in the flow: the end of `tinygen tune-decision`.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace

from tinygen.decision.decider import DecisionTable, decision_table
from tinygen.errors import TinygenError
from tinygen.features.definition import parse_table

# a header, and all up to the next one
_SECTION = re.compile(r"^[ \t]*\[[ \t]*decision[ \t]*\][^\n]*\n?.*?(?=^[ \t]*\[|\Z)", re.MULTILINE | re.DOTALL)


def with_decision(text: str, table: DecisionTable) -> str:
    """A TOML file's text with this table [decision]: in the place of the one that is there, or at the end.

    Raises TinygenError where the text is written in a way that this cannot replace.
    """
    section = "\n".join(_lines(table)) + "\n"
    found = _SECTION.search(text)
    if found is None:
        made = f"{text.rstrip()}\n\n{section}"
    else:
        # what stands between the table and the next one is that one's
        behind = text[found.end() :]
        comments = re.search(r"(?:^[ \t]*(?:#[^\n]*)?\n)*\Z", found.group(), re.MULTILINE)
        kept = comments.group() if comments and behind else ""
        made = text[: found.start()] + section + kept + behind
    _check(text, made, table)
    return made


def _lines(table: DecisionTable) -> list[str]:
    threshold = table.threshold[0] if len(table.threshold) == 1 else list(table.threshold)
    lines = [
        "[decision]",
        f"smoothing = {table.smoothing}",
        f"threshold = {threshold!r}",
        f"refractory = {table.refractory}",
    ]
    for key, names in (("background", table.background), ("labels", table.labels)):
        if names:
            lines.append(f"{key} = {json.dumps(list(names), ensure_ascii=False)}")
    return lines


def _check(before: str, after: str, table: DecisionTable) -> None:
    """Raise unless the two differ by just the table."""
    old = parse_table(before)[1]
    try:
        new = parse_table(after)[1]
    except TinygenError as error:
        raise _refusal(table) from error
    old.pop("decision", None)
    written = decision_table(new.pop("decision", {}))
    if new != old or written != replace(table, threshold=tuple(map(float, table.threshold))):
        raise _refusal(table)


def _refusal(table: DecisionTable) -> TinygenError:
    return TinygenError(
        "[decision] of this file cannot be replaced", f"write it yourself: {'; '.join(_lines(table)[1:])}"
    )
