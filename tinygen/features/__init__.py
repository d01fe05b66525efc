"""Features: samples of a microphone or an accelerometer become what a network takes, in fixed point.

What a training script imports: `load_definition` and `compute`. The C in the generated library gives the same bits.
"""

from tinygen.features.definition import Definition, definition_of, load_definition
from tinygen.features.framing import compute, fixed_values, quantize_values

__all__ = ["Definition", "compute", "definition_of", "fixed_values", "load_definition", "quantize_values"]
