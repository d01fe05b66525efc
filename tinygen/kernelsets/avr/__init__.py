"""Kernels for AVR: products of bytes without sign, and a requantization made of twelve 8-bit multiplications."""
