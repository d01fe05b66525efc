"""Post-training quantization beyond what the converter does: better ranges and weights, and what they win.

Place in the flow: load/worker.py, in the child process, has the converter make two files of one model, a float32
.tflite and an int8 .tflite, and `improve` (improve.py) looks for a better int8 one. Both are the same operators on
tensors of the same names; so an int8 file is changed by writing other scales into it (flat.py).
"""
