"""The results of a test as JUnit XML, which every CI shows.

Place in the flow: `tinygen test --junit FILE`. A suite for each model; a case for each verdict, layer and gate.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import dataclass

from tinygen.boards import Board
from tinygen.report.tested import Tested


@dataclass(frozen=True, slots=True)
class _Case:
    name: str
    failure: str


def junit_xml(board: Board, tested: Sequence[Tested], seconds: float) -> bytes:
    """The file, UTF-8; seconds: of the whole run."""
    root = ET.Element("testsuites", {"name": f"tinygen test --board {board.name}", "time": f"{seconds:.3f}"})
    for each in tested:
        cases = _cases(each)
        failed = sum(bool(case.failure) for case in cases)
        name = _clean(f"{each.name} on {board.name}")
        counts = {"tests": str(len(cases)), "failures": str(failed), "errors": "0", "skipped": "0"}
        suite = ET.SubElement(root, "testsuite", {"name": name, **counts})
        properties = ET.SubElement(suite, "properties")
        for key, value in _properties(each).items():
            ET.SubElement(properties, "property", name=key, value=_clean(value))
        for case in cases:
            element = ET.SubElement(suite, "testcase", classname=name, name=_clean(case.name))
            if case.failure:
                ET.SubElement(element, "failure", message=_clean(case.failure)).text = _clean(case.failure)
    ET.indent(root)
    text: str = ET.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="utf-8"?>\n{text}\n'.encode()


def _cases(tested: Tested) -> list[_Case]:
    code, run = tested.code, tested.result.layers
    wrong = code.outputs - code.bit_exact
    failure = "" if code.passed else f"{wrong} of {code.outputs} outputs differ; first {code.first_wrong}"
    cases = [_Case("outputs against the int8 reference", failure)]
    for layer, count in zip(run.layers, run.wrong_samples, strict=True) if run else ():
        if not layer.compared or layer.group != layer.index:
            continue
        text = f"wrong in {count} of {code.samples} samples" if count else ""
        if run and run.first is not None and run.first.layer.group == layer.index:
            text = f"{text}; {run.first.text}"
        cases.append(_Case(f"layer {layer.index} {layer.operator} {layer.name.split(';')[0]}", text))
    cases += [_Case(f"--{gate.name} {gate.limit:g}", "" if gate.passed else gate.text) for gate in tested.gates]
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
