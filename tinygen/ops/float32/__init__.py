"""Operators on float32: the float islands of a quantized model, one file each."""
