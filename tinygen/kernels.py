"""A verified Graph becomes a Program: the kernel calls of each operator, constants packed for the kernels.

Place in the flow: after passes/, before plan/. Which kernel serves a call is decided here (kernelsets/ makes
offers), and which file of templates/kernels/ a kernel is: a kernel set overrides `portable` by file name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path

from tinygen import resources
from tinygen.errors import TinygenError
from tinygen.ir import Graph, Op
from tinygen.kernelsets import PORTABLE, Target, choose, choose_tuned, chosen_name
from tinygen.ops import operator_for
from tinygen.ops.base import KernelCall, Operand, reject

_MOST_CONSTANTS = 1 << 26  # bytes; no microcontroller has as much flash, and the text of more would not be readable
_MANY_STEPS = 400
_MUCH_SCRATCH = 2048  # bytes
_MOST_ROWS = 1 << 18
_INCLUDE = re.compile(r'^#include "([a-z0-9_]+\.h)"$', re.MULTILINE)


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """One kernel call of an operator; the operator's MACs count at its first."""

    op: Op
    call: KernelCall
    macs: int


@dataclass(frozen=True, slots=True, eq=False)
class Program:
    """The steps in order. `storage` maps a tensor to the tensor whose memory it is (RESHAPE shares it).

    `kept` are tensors, by storage, that live from one inference to the next, outside of the arena (plan/hop.py).
    `offsets`: at which byte of its storage each tensor begins; () where all are 0. `saved` are copies that nobody
    makes, since what they would copy is there already (plan/aliases.py).
    """

    graph: Graph
    steps: tuple[Step, ...]
    storage: tuple[int, ...]
    target: Target = PORTABLE
    kept: frozenset[int] = frozenset()
    offsets: tuple[int, ...] = ()
    saved: tuple[Step, ...] = ()

    def span(self, tensor: int) -> tuple[int, int, int]:
        """(storage, first, end): the bytes [first, end) of its storage are the tensor's."""
        first = self.offsets[tensor] if self.offsets else 0
        return self.storage[tensor], first, first + self.graph.tensors[tensor].nbytes

    def same_rows(self, a: Operand, b: Operand) -> bool:
        """Whether two operands are one image of the same rows in the same memory."""
        alike = (a.images, a.rows, a.row_bytes) == (b.images, b.rows, b.row_bytes) and a.images == 1
        return alike and self.span(a.tensor) == self.span(b.tensor)

    def in_arena(self, tensor: int) -> bool:
        """Whether a tensor is neither constant nor a variable nor kept, nor another view of one."""
        graph, root = self.graph, self.storage[tensor]
        return graph.tensors[tensor].data is None and not graph.tensors[root].is_variable and root not in self.kept

    def in_order(self, step: int) -> bool:
        """Whether a step must run whole at its place in the order: it uses a variable that others may use, too."""
        call = self.steps[step].call
        outside = (o.tensor for o in (*call.inputs, call.output) if self.graph.tensors[o.tensor].data is None)
        if any(not self.in_arena(t) for t in outside):
            return True
        own = {o.tensor for o in call.state}
        return bool(own) and any(o.tensor in own for s in self.steps if s.call is not call for o in s.call.state)

    @property
    def is_huge(self) -> bool:
        """Whether there are so many steps that the planner takes each as a whole, at its place in the order."""
        return len(self.steps) > _MANY_STEPS

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one inference."""
        return sum(step.macs for step in self.steps)

    @property
    def constant_operands(self) -> tuple[int, ...]:
        """Constant tensors that a kernel reads as an input view, in order of first use."""
        operands = (operand.tensor for step in self.steps for operand in step.call.inputs)
        return tuple(dict.fromkeys(t for t in operands if self.graph.tensors[t].data is not None))

    @property
    def const_bytes(self) -> int:
        """Bytes of all constants of the model."""
        packed = sum(int(c.values.nbytes) for step in self.steps for c in step.call.constants)
        started = (self.graph.tensors[t] for t in self.graph.variables)
        initial = sum(t.nbytes for t in started if t.initial_fill is None)
        return packed + initial + sum(self.graph.tensors[t].nbytes for t in self.constant_operands)


def lowered(graph: Graph) -> tuple[KernelCall, ...]:
    """The calls that the operators lower to, in their order, before any kernel set is asked."""
    return tuple(call for op in graph.ops for call in operator_for(graph, op).lower(graph, op))


def with_less_scratch(program: Program) -> Program:
    """The program with portable kernels where those of its kernel set take much scratch; the same if none does."""
    target, portable = program.target, replace(program.target, kernels=PORTABLE.kernels)
    calls = lowered(program.graph)
    pairs = [(choose(call, portable).scratch_bytes, choose(call, target).scratch_bytes) for call in calls]
    much = [own > max(plain, _MUCH_SCRATCH) for plain, own in pairs]
    if target.tuned or not any(much):
        return program
    names = (chosen_name(call, portable if is_much else target) for call, is_much in zip(calls, much, strict=True))
    return build_program(program.graph, replace(target, tuned=tuple(names)))


def build_program(graph: Graph, target: Target = PORTABLE) -> Program:
    """Lower every operator of a verified graph to the kernels that serve it best on the target.

    Raises TinygenError when its constants would fill any flash, and when the target is tuned for another program.
    """
    steps: list[Step] = []
    storage = list(range(len(graph.tensors)))
    constants = 0
    for op in graph.ops:
        operator = operator_for(graph, op)
        lowered = operator.lower(graph, op)
        if target.tuned:
            calls = tuple(choose_tuned(call, target, len(steps) + i) for i, call in enumerate(lowered))
        else:
            calls = tuple(choose(call, target) for call in lowered)
        if any(call.rows > _MOST_ROWS for call in calls):
            raise reject(op, f"a tensor of more than {_MOST_ROWS:,} rows", "use a smaller input")
        if not calls:
            storage[op.outputs[0]] = storage[op.inputs[0]]
        constants += sum(int(constant.values.nbytes) for call in calls for constant in call.constants)
        if constants > _MOST_CONSTANTS:
            raise reject(op, f"with it the constants have more than {_MOST_CONSTANTS} bytes", "use a smaller model")
        macs = operator.macs(graph, op)
        steps += [Step(op, call, macs if call is calls[0] else 0) for call in calls]
    if len(target.tuned) not in (0, len(steps)):
        raise TinygenError(f"tuned for {len(target.tuned)} kernels, not {len(steps)}", "run `tinygen tune` again")
    return Program(graph, tuple(steps), tuple(storage), target)


def kernel_files(program: Program) -> tuple[Path, ...]:
    """The kernel files that the program needs, and what they include, sorted by name.

    tg_kernel.h is always among them: the weights' header needs it, even in a model that calls no kernel.
    """
    found: dict[str, Path] = {}
    pending = ["tg_kernel.h", *(f"{step.call.kernel}.h" for step in program.steps)]
    while pending:
        name = pending.pop()
        if name not in found:
            found[name] = next(p for s in program.target.folders if (p := resources.KERNELS / s / name).is_file())
            pending += _INCLUDE.findall(found[name].read_text())
    return tuple(found[name] for name in sorted(found))
