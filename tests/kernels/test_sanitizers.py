"""All kernels under AddressSanitizer and UndefinedBehaviorSanitizer, each tensor alone between forbidden bytes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from tests.exact.cases import GENERATORS, NIGHTLY, Case, cases
from tests.exact.networks import networks
from tests.support.c_build import STRICT, plan_of, run_tool, write_library
from tests.support.everything import everything_graph
from tinygen import reference
from tinygen.ir import row_layout
from tinygen.kernelsets import PORTABLE, Target
from tinygen.plan import Placed, Plan

COUNT = 200 if NIGHTLY else 32
_FLAGS = ("-O1", "-g", "-fsanitize=address,undefined,float-cast-overflow", "-fno-sanitize-recover=all")
_GAP = 64

# Reads every input of every sample from stdin, writes every output to stdout, model after model.
_MAIN = """#include <sanitizer/asan_interface.h>
#include <stdio.h>
#include <stdlib.h>
{includes}
static void take(void *to, size_t bytes) {{
  if (fread(to, 1, bytes, stdin) != bytes) exit(9);
}}

int main(void) {{
  static int8_t memory[{largest}] __attribute__((aligned(16)));
{body}
  return 0;
}}
"""


def spread(plan: Plan) -> Plan:
    """Every buffer at a place of its own, with a gap behind."""
    placed, offset = [], _GAP
    for old in plan.placed:
        placed.append(Placed(old.buffer, offset))
        offset += -(-old.buffer.size // 16) * 16 + _GAP
    return replace(plan, placed=tuple(placed), arena_bytes=offset)


def _bytes(plan: Plan, placed: Placed) -> int:
    """What the buffer really holds, without what alignment added."""
    buffer, steps = placed.buffer, plan.steps
    if buffer.role == "tensor":
        tensor = plan.program.graph.tensors[buffer.key]
        return tensor.nbytes * buffer.ring_rows // row_layout(tensor.shape).rows if buffer.ring_rows else tensor.nbytes
    call = steps[buffer.key].call
    return call.carry_bytes if buffer.role == "carry" else call.scratch_bytes


def _main(plans: Sequence[Plan], samples: int) -> str:
    body = []
    for plan in plans:
        graph = plan.program.graph
        name, macro = graph.name, graph.name.upper()
        body += ["  ASAN_POISON_MEMORY_REGION(memory, sizeof memory);"]
        body += [f"  ASAN_UNPOISON_MEMORY_REGION(memory + {p.offset}, {_bytes(plan, p)});" for p in plan.placed]
        body += [f"  {name}_set_arena(memory);", f"  for (int i = 0; i < {samples}; ++i) {{"]
        body += [f"    take({name}_input({i}), {macro}_INPUT_{i}_BYTES);" for i in range(len(graph.inputs))]
        body += [f"    {name}_reset();"] if plan.state_bytes else []
        body += [f"    {name}_invoke();"]
        body += [
            f"    fwrite({name}_output({i}), 1, {macro}_OUTPUT_{i}_BYTES, stdout);" for i in range(len(graph.outputs))
        ]
        body += ["  }"]
    includes = "\n".join(f'#include "{plan.program.graph.name}.h"' for plan in plans)
    return _MAIN.format(includes=includes, body="\n".join(body), largest=max(p.arena_bytes for p in plans))


def _executable(
    plans: Sequence[Plan], sources: Sequence[Path], samples: int, folder: Path, flags: Sequence[str] = ()
) -> Path:
    main, executable = folder / "main.c", folder / "main"
    main.write_text(_main(plans, samples))
    external = [f"-D{plan.program.graph.name.upper()}_ARENA_EXTERNAL" for plan in plans]
    includes = [f"-I{source.parent}" for source in sources]
    run_tool(["gcc", *STRICT, *_FLAGS, *flags, *external, *includes, main, *sources, "-o", executable])
    return executable


def check_sanitized(chosen: Sequence[Case], folder: Path, target: Target = PORTABLE, flags: Sequence[str] = ()) -> None:
    """Every sample of the cases (all have as many) through the C of the target's kernels, on the host; = numpy."""
    plans = [spread(plan_of(case.graph, target)) for case in chosen]
    sources = [write_library(plan, folder) for plan in plans]
    executable = _executable(plans, sources, len(chosen[0].samples), folder, flags)
    stdin = b"".join(array.tobytes() for case in chosen for sample in case.samples for array in sample)
    wanted = [reference.run(case.graph, sample) for case in chosen for sample in case.samples]
    assert run_tool([executable], stdin) == b"".join(array.tobytes() for arrays in wanted for array in arrays)


@pytest.mark.parametrize("kind", sorted(GENERATORS))
def test_operator(kind: str, tmp_path: Path) -> None:
    check_sanitized(cases(kind, COUNT), tmp_path)


def test_networks(tmp_path: Path) -> None:
    check_sanitized(networks(COUNT // 2), tmp_path)


@pytest.mark.parametrize(
    ("field", "value"), [("input_width", 6), ("output_width", 6), ("kernel_height", 4), ("input_channels", 3)]
)
def test_the_sanitizers_would_notice(field: str, value: int, tmp_path: Path) -> None:
    """A convolution that is told a wrong size reads or writes beyond its tensor, and that is seen."""
    plan = spread(plan_of(everything_graph()))
    source = write_library(plan, tmp_path)
    head, conv, tail = source.read_text().partition("static const tg_conv_2d_s8_tiles_params")
    spoiled = re.sub(rf"\.{field} = \d+,", f".{field} = {value},", conv + tail, count=1)
    assert spoiled != conv + tail
    source.write_text(head + spoiled)
    executable = _executable([plan], [source], 1, tmp_path)
    with pytest.raises(AssertionError, match="AddressSanitizer"):
        run_tool([executable], bytes(10000))
