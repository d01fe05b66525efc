"""Operators on plain int32 numbers, which have no scale: what a model does to indices before it gathers by them.

Sums and products wrap, as TFLM's do on every machine it runs on.
"""
