"""JUnit XML, which every CI shows: the file itself, and what of a test goes into it.

Place in the flow: `tinygen test --junit FILE`, and report/matrix.py. A suite for each model; a case for each verdict,
layer and gate.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tinygen.boards import Board
from tinygen.report.tested import Tested


@dataclass(frozen=True, slots=True)
class Case:
    """One case: `failure` says why it failed, `skipped` why it was not run; empty if neither. `seconds` if measured."""

    name: str
    failure: str = ""
    skipped: str = ""
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Suite:
    """Cases under one name, with the properties that a CI shows beside them."""

    name: str
    cases: tuple[Case, ...]
    properties: Mapping[str, str] = field(default_factory=dict)


def junit_file(name: str, suites: Sequence[Suite], seconds: float) -> bytes:
    """The file, UTF-8; seconds: of the whole run."""
    root = ET.Element("testsuites", {"name": _clean(name), "time": f"{seconds:.3f}"})
    for suite in suites:
        _add_suite(root, suite)
    ET.indent(root)
    text: str = ET.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="utf-8"?>\n{text}\n'.encode()


def junit_xml(board: Board, tested: Sequence[Tested], seconds: float) -> bytes:
    """What `tinygen test` found, as JUnit XML; seconds: of the whole run."""
    suites = [Suite(f"{each.name} on {board.name}", tuple(_cases(each)), _properties(each)) for each in tested]
    return junit_file(f"tinygen test --board {board.name}", suites, seconds)


def _add_suite(root: ET.Element, suite: Suite) -> None:
    name, cases = _clean(suite.name), suite.cases
    counts = {"tests": len(cases), "failures": sum(bool(case.failure) for case in cases), "errors": 0}
    counts["skipped"] = sum(bool(case.skipped) for case in cases)
    element = ET.SubElement(root, "testsuite", {"name": name, **{key: str(n) for key, n in counts.items()}})
    times = [case.seconds for case in cases if case.seconds is not None]
    if times:
        element.set("time", f"{sum(times):.1f}")
    if suite.properties:
        properties = ET.SubElement(element, "properties")
        for key, value in suite.properties.items():
            ET.SubElement(properties, "property", name=key, value=_clean(value))
    for case in cases:
        shown = ET.SubElement(element, "testcase", classname=name, name=_clean(case.name))
        if case.seconds is not None:
            shown.set("time", f"{case.seconds:.1f}")
        for kind, text in (("failure", case.failure), ("skipped", case.skipped)):
            if text:
                ET.SubElement(shown, kind, message=_clean(text)).text = _clean(text)


def _cases(tested: Tested) -> list[Case]:
    code, run = tested.code, tested.result.layers
    wrong = code.outputs - code.bit_exact
    failure = "" if code.passed else f"{wrong} of {code.outputs} outputs differ; first {code.first_wrong}"
    cases = [Case("outputs against the int8 reference", failure)]
    for layer, count in zip(run.layers, run.wrong_samples, strict=True) if run else ():
        if not layer.compared or layer.group != layer.index:
            continue
        text = f"wrong in {count} of {code.samples} samples" if count else ""
        if run and run.first is not None and run.first.layer.group == layer.index:
            text = f"{text}; {run.first.text}"
        cases.append(Case(f"layer {layer.index} {layer.operator} {layer.name.split(';')[0]}", text))
    cases += [Case(f"--{gate.name} {gate.limit:g}", "" if gate.passed else gate.text) for gate in tested.gates]
    return cases


def _properties(tested: Tested) -> dict[str, str]:
    info, floats = tested.result.info, tested.floats
    found: dict[str, object] = {
        "model_sha256": info.sha256,
        "tinygen": info.version,
        "samples": tested.code.samples,
        "retries": tested.result.retries,
        "stack_bytes": tested.stack_bytes,
        "accuracy_device": tested.accuracy,
        "top1_agreement": floats.top1_agreement if floats else None,
        "max_error": floats.max_error if floats else None,
    }
    return {key: str(value) for key, value in found.items() if value is not None}


def _clean(text: str) -> str:
    """Without what XML cannot have, not even escaped: names out of models may hold anything."""
    return "".join(c if c.isprintable() else "?" for c in text)
