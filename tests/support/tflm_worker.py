"""Runs TFLM in a process of its own (support/tflm.py starts it): an assertion in there aborts the process.

Reads pickled (model, samples, tensors, keep_state) from stdin, answers pickled ("ok", outputs, tensors) or
("refused", why).
"""

from __future__ import annotations

import os
import pickle
import sys
from typing import Any

from tflite_micro import runtime

ARENA_BYTES = 1 << 20


def has_state(model: Any) -> bool:
    """Whether an inference may depend on the ones before."""
    variables = any(tensor.isVariable for tensor in model.subgraphs[0].tensors)
    return variables or runtime.count_resource_variables(model) > 0


def answer(model: bytes, samples: Any, tensors: tuple[int, ...], keep_state: bool) -> tuple[Any, ...]:
    """Outputs of each sample, and of the last one the tensors asked for.

    Unless `keep_state`, each sample gets an interpreter of its own if it matters: reset() sets resource variables
    to their zero points, not to what CALL_ONCE once gave them.
    """
    config = (
        runtime.InterpreterConfig.kPreserveAllTensors if tensors else runtime.InterpreterConfig.kAllocationRecording
    )
    outputs, kept = [], {}
    try:
        parsed = runtime.convert_bytearray_to_object(model)
        anew = not keep_state and has_state(parsed)
        count = parsed.subgraphs[0].outputs.size
        interpreter = None
        for sample in samples:
            if interpreter is None or anew:
                interpreter = runtime.Interpreter.from_bytes(model, arena_size=ARENA_BYTES, intrepreter_config=config)
            for index, array in enumerate(sample):
                interpreter.set_input(array, index)
            interpreter.invoke()
            outputs.append(tuple(interpreter.get_output(i).copy() for i in range(count)))
        assert interpreter is not None
        kept = {i: interpreter.GetTensor(i, 0)["tensor_data"].copy() for i in tensors}
    except (RuntimeError, ValueError) as error:
        return "refused", f"{type(error).__name__}: {error}"
    return "ok", outputs, kept


def main() -> None:
    """Answer until stdin ends."""
    channel = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever the library prints does not get between the answers
    while True:
        try:
            request = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        pickle.dump(answer(*request), channel)
        channel.flush()


if __name__ == "__main__":
    main()
