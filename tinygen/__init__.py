"""tinygen: a trained Keras model in, C for a microcontroller out, bit-exact with TensorFlow Lite Micro."""

__version__ = "0.1.0"
