"""Rehearse's one-shot machine-learning jobs: convert a GGUF, fine-tune a model, evaluate it, read data sets."""

from typing import Final

PROTOCOL: Final = 1
"""Version of the specs, events and results that the caller and these jobs exchange."""
