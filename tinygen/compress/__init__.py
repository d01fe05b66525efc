"""A trained Keras model made smaller: fewer channels, factorised layers, clustered weights, then trained towards the
outputs of the model as it was. Runs in a child process, as loading does (client.py starts worker.py)."""
