"""Rehearse's one-shot machine-learning jobs: convert a GGUF, fine-tune a model, evaluate it, read data sets."""

PROTOCOL = 1
"""Version of the specs, events and results that the caller and these jobs exchange."""
