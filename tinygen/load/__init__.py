"""From a model file to a Graph and a float reference."""
