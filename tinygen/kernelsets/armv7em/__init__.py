"""Cortex-M4, M7 and M33: kernels on Arm's DSP extension. A file here per family of kernels."""
