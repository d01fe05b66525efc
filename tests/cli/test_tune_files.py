"""The file that `tinygen tune` writes, as the other commands read it: found, chosen, refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.cli import tinygen
from tests.support.models import conv_model
from tinygen.boards import get_board
from tinygen.errors import TinygenError
from tinygen.kernels import lowered
from tinygen.kernelsets import Target, candidates, choose, chosen_name
from tinygen.load.tflite import parse_tflite
from tinygen.passes import run_passes
from tinygen.pipeline import Compiled, compile_model
from tinygen.request import make_request
from tinygen.tune_search import schedule_of
from tinygen.tuned import Tuned, TuneFile, find_tuned, load_tune_file, save_tune_file, tune_file_of
from tinygen.verify import verify

BOARD = "qemu-cortex-m4"


def compiled(model: Path, tune: str | None = None, **options: Any) -> Compiled:
    request = make_request(model, None, None, {}, False, tune=tune, **options)
    return compile_model(request, None, lambda text: None, get_board(BOARD).kernels, (), BOARD)


def portable(model: Path) -> Tuned:
    """A tuning that takes portable kernels alone, each layer whole."""
    plan = compiled(model, "none", optimize="speed").plan
    graph = run_passes(verify(parse_tflite(model.read_bytes(), "conv", "conv")))
    names = tuple(call.kernel for call in lowered(graph))
    return Tuned(BOARD, "balanced", "gcc", names, schedule_of(plan.segments), 1, "cycles", 1.0)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """conv.tflite with a tuning beside it that shows."""
    path = tmp_path / "conv.tflite"
    path.write_bytes(conv_model())
    sha256 = compiled(path).model.sha256
    save_tune_file(tune_file_of(path), TuneFile(sha256, (portable(path),)))
    return path


def kernels(found: Compiled) -> set[str]:
    return {step.call.kernel for step in found.plan.steps}


def test_it_is_found_beside_the_model(model: Path) -> None:
    assert tune_file_of(model).name == "conv.tflite.tune.json"
    tuned, untuned = compiled(model), compiled(model, "none")
    assert tuned.tuned is not None
    assert untuned.tuned is None
    assert not any(kernel.endswith("_dsp") for kernel in kernels(tuned))
    assert all(kernel.endswith("_dsp") for kernel in kernels(untuned) if "conv" in kernel)
    # nothing was tuned for this --optimize
    assert compiled(model, optimize="speed").tuned is None


def test_the_commands_take_it(model: Path) -> None:
    shown = tinygen("plan", "--board", BOARD, "--json", model, cwd=model.parent)
    assert "conv_2d_s8" in {layer["kernel"] for layer in shown.json()["layers"]}
    assert "as it was tuned" in shown.err
    tinygen("generate", "--board", BOARD, "--json", model, cwd=model.parent).json()
    assert (model.parent / "conv" / "src" / "conv_kernels" / "conv_2d_s8.h").is_file()


def test_a_model_that_changed_is_refused(model: Path) -> None:
    model.write_bytes(conv_model(1))
    refused = tinygen("plan", "--board", BOARD, "--json", model, cwd=model.parent)
    assert "belongs to another model" in refused.error()
    assert "tinygen tune" in json.loads(refused.out)["hint"]
    with pytest.raises(TinygenError, match="belongs to another model"):
        compiled(model, str(tune_file_of(model)))
    assert compiled(model, "none").tuned is None


def test_a_file_that_is_chosen_must_have_it(model: Path) -> None:
    with pytest.raises(TinygenError, match=f"has nothing for {BOARD} with --optimize ram"):
        compiled(model, str(tune_file_of(model)), optimize="ram")
    with pytest.raises(TinygenError, match="cannot be read"):
        compiled(model, str(model.parent / "nothing.json"))
    for other in ({"by_rows": True}, {"hop": 1}):
        with pytest.raises(TinygenError, match="whole inputs"):
            make_request(model, None, None, {}, False, tune="x.json", **other)
        request = make_request(model, None, None, {}, False, **other)
        assert request.tune is None


def damaged(content: dict[str, Any]) -> list[str]:
    """What must be refused: (what it is) as text."""
    (entry,) = content["tuned"]
    whole = entry["schedule"]

    def changed(**values: Any) -> str:
        return json.dumps({**content, "tuned": [{**entry, **values}]})

    text = json.dumps(content)
    return [
        "",
        text[: len(text) // 2],
        "[" * 100_000,
        "[]",
        json.dumps({**content, "tinygen_tune": 2}),
        json.dumps({**content, "more": 1}),
        changed(kernels=[]),
        changed(kernels=["nobody", *entry["kernels"][1:]]),
        changed(kernels=entry["kernels"][:-1]),
        changed(kernels=[*entry["kernels"], "conv_2d_s8"]),
        changed(schedule=[]),
        changed(schedule=whole[:-1]),
        changed(schedule=[*whole, {**whole[-1], "first": len(whole), "end": len(whole) + 1}]),
        changed(schedule=[{**whole[0], "height": -1}, *whole[1:]]),
        changed(schedule=[{**whole[0], "height": 1}, *whole[1:]]),
        changed(schedule=[{**whole[0], "height": 1, "backwards": 1, "end": 2}, *whole[2:]]),
        changed(schedule=[{**whole[0], "end": 2}, *whole[2:]]),
        changed(schedule=[{**whole[0], "end": 2, "height": 500}, *whole[2:]]),
        changed(schedule=[{**whole[0], "end": 0}, *whole]),
        changed(schedule=whole[::-1]),
        changed(schedule=[{**whole[0], "first": 1 << 70}, *whole[1:]]),
    ]


def test_a_damaged_file_is_refused(model: Path) -> None:
    path = tune_file_of(model)
    for text in damaged(json.loads(path.read_text())):
        path.write_text(text)
        with pytest.raises(TinygenError) as caught:
            compiled(model)
        assert "tinygen tune" in caught.value.hint, (text[:80], caught.value)
    path.write_text("")
    assert "cannot be read" in tinygen("plan", "--board", BOARD, model, cwd=model.parent).error()


def test_entries_of_other_boards_stay(model: Path) -> None:
    file = load_tune_file(tune_file_of(model))
    (entry,) = file.tuned
    more = file.with_tuned(Tuned("uno", "ram", "avr-gcc", entry.kernels, entry.schedule, 2, "microseconds", 0.5))
    save_tune_file(tune_file_of(model), more.with_tuned(entry))
    read = load_tune_file(tune_file_of(model))
    assert set(read.tuned) == set(more.tuned)
    assert find_tuned(model, None, file.model_sha256, "uno", "ram") == more.of("uno", "ram")


def test_names_of_candidates() -> None:
    """What is chosen untuned is among them, and every name gives another way."""
    graph = run_passes(verify(parse_tflite(conv_model(), "conv", "conv")))
    for aim in ("ram", "balanced", "size", "speed"):
        target = Target("armv7em", aim)
        for call in lowered(graph):
            named = candidates(call, target)
            assert named[chosen_name(call, target)].kernel == choose(call, target).kernel
            assert call.kernel in named
    first = candidates(lowered(graph)[0], Target("armv7em", "balanced"))
    fast = ["conv_2d_s8_dsp:balanced", "conv_3x3_winograd_s8_dsp:speed", "conv_2d_s8_tiles:balanced"]
    assert list(first) == ["conv_2d_s8", *fast]
