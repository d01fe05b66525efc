"""The plan as a person and as a program read it: what lies where, and when."""

from __future__ import annotations

from tinygen.plan import Placed, Plan

_WIDTH = 48


def plan_json(plan: Plan) -> dict[str, object]:
    """The keys of SPEC section 5."""
    graph = plan.program.graph
    return {
        "name": graph.name,
        "arena_bytes": plan.arena_bytes,
        "lower_bound_bytes": plan.lower_bound_bytes,
        "scratch_bytes": plan.scratch_bytes,
        "state_bytes": plan.state_bytes,
        "const_bytes": plan.program.const_bytes,
        "macs": plan.program.macs,
        "layers": [
            {
                "index": index,
                "operator": step.op.kind,
                "name": step.op.name,
                "kernel": step.call.kernel,
                "macs": step.macs,
                "scratch_bytes": step.call.scratch_bytes,
                "carry_bytes": step.call.carry_bytes,
            }
            for index, step in enumerate(plan.steps)
        ],
        "buffers": [
            {
                "name": placed.buffer.name,
                "role": placed.buffer.role,
                "offset": placed.offset,
                "bytes": placed.buffer.size,
                "first_layer": placed.buffer.first,
                "last_layer": placed.buffer.last,
            }
            for placed in plan.placed
        ],
    }


def plan_text(plan: Plan) -> str:
    """One line per layer: its buffers drawn over the arena, `o` written, `i` read, `-` alive, `s` scratch."""
    program = plan.program
    state = f"state {plan.state_bytes:,} bytes; " if plan.state_bytes else ""
    lines = [
        f"{program.graph.name}: arena {plan.arena_bytes:,} bytes, lower bound {plan.lower_bound_bytes:,}, "
        f"of it scratch {plan.scratch_bytes:,}; {state}constants {program.const_bytes:,} bytes; {program.macs:,} MACs",
        "",
        f"layer  {'operator':<20} |{'arena'.center(_WIDTH)}| live bytes",
    ]
    for index, step in enumerate(plan.steps):
        live = [p for p in plan.placed if p.buffer.first <= index <= p.buffer.last]
        used = sum(p.buffer.size for p in live)
        lines.append(f"{index:>5}  {step.op.kind:<20} |{_draw(plan, live, index)}| {used:>10,}")
    lines += ["", f"{'offset':>8} {'bytes':>9}  {'layers':<10} what"]
    for placed in sorted(plan.placed, key=lambda p: (p.buffer.first, p.offset)):
        b = placed.buffer
        span = f"{'in' if b.first < 0 else b.first}..{'out' if b.last >= len(plan.steps) else b.last}"
        lines.append(f"{placed.offset:>8,} {b.size:>9,}  {span:<10} {b.name}")
    return "\n".join(lines)


def _draw(plan: Plan, live: list[Placed], step: int) -> str:
    row = [" "] * _WIDTH
    call = plan.steps[step].call
    written = plan.program.storage[call.output.tensor]
    read = {plan.program.storage[o.tensor] for o in call.inputs}
    for placed in live:
        key, role = placed.buffer.key, placed.buffer.role
        mark = "s" if role != "tensor" else "o" if key == written else "i" if key in read else "-"
        first = placed.offset * _WIDTH // plan.arena_bytes
        last = max(first + 1, -(-placed.end * _WIDTH // plan.arena_bytes))
        row[first:last] = mark * (last - first)
    return "".join(row[:_WIDTH])
