"""Operators on float32, one file each: the float islands of a quantized model, or all of a float one.

numpy = C to the bit on every core that computes by IEEE 754: everything is done in float32, in one order, by
tinygen/floatmath.py and its twin tg_float.h. TFLM computes the same functions with the host's C library and, in places,
in another order: it is met within a tolerance (docs/decisions/float-islands.md).
"""
