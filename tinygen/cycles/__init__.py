"""Exact instructions of an inference on boards that QEMU emulates, and what they would take in cycles of a Cortex-M.

Place in the flow: bench.py asks here. plugin.py counts the blocks of code that run, thumb.py decodes their
instructions, price.py adds up what those take by the tables in Arm's manuals.
"""
