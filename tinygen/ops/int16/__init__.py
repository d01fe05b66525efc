"""Operators on int16 activations with int8 weights (TFLite calls it 16x8), one file each."""
