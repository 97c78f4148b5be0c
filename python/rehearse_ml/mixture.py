"""The training set: conversations as token ids with labels on the assistant's tokens only."""

from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from datasets import Dataset
from transformers import PreTrainedTokenizerBase

from .assistant_spans import AssistantSpans
from .conversation_file import read_conversations
from .errors import JobError
from .protocol import Events

IGNORED = -100
"""Label of a token that the loss leaves out (PyTorch's cross entropy)."""

BATCH = 256


@dataclass(frozen=True)
class TokenizedMixture:
    """Columns `input_ids` and `labels`, and the counts of what became of the conversations."""

    dataset: Dataset
    names: list[str]
    """Of the conversations in `dataset`."""
    tokens: int
    trained_tokens: int
    truncated: int
    dropped: int
    """Conversations of which truncation left nothing to train on; they are not in `dataset`."""


def tokenize_mixture(
    path: Path, tokenizer: PreTrainedTokenizerBase, *, max_length: int, phase: str, events: Events
) -> TokenizedMixture:
    """Render and tokenize the conversations of `path`, cut to `max_length` tokens.

    Raises JobError `bad_data` (a bad line, or nothing to train on) and `chat_template`.
    """
    spans = AssistantSpans(tokenizer)
    input_ids: list[np.ndarray] = []
    labels: list[np.ndarray] = []
    names: list[str] = []
    tokens = trained = truncated = dropped = done = 0
    total, conversations = sum(1 for _ in read_conversations(path)), read_conversations(path)
    while batch := list(islice(conversations, BATCH)):
        rendered = [spans.render(each.messages, each.where, cut=each.cut) for each in batch]
        encoded = tokenizer(
            [text for text, _ in rendered], add_special_tokens=False, return_offsets_mapping=True, truncation=False
        )
        for conversation, ids, offsets, (_, turn_spans) in zip(
            batch, encoded["input_ids"], encoded["offset_mapping"], rendered, strict=True
        ):
            ids_array, mask = np.asarray(ids, dtype=np.int32), _inside(np.asarray(offsets), turn_spans)
            truncated += len(ids) > max_length
            ids_array, mask = ids_array[:max_length], mask[:max_length]
            if not mask.any():
                dropped += 1
                continue
            names.append(conversation.name)
            input_ids.append(ids_array)
            labels.append(np.where(mask, ids_array, IGNORED))
            tokens += len(ids_array)
            trained += int(mask.sum())
        done += len(batch)
        events.progress(phase, done, total)
    if not input_ids:
        raise JobError(
            "bad_data",
            f"{path} leaves nothing to train on: {done} conversations, of which {dropped} have no assistant token "
            f"within {max_length} tokens.",
            "Check the mixture, or raise maxLength.",
        )
    if truncated:
        events.log(
            f"{truncated} of {done} conversations were cut to {max_length} tokens; {dropped} of them were left with no "
            "assistant token and dropped.",
            level="warning",
        )
    return TokenizedMixture(
        dataset=Dataset.from_dict({"input_ids": input_ids, "labels": labels}),
        names=names,
        tokens=tokens,
        trained_tokens=trained,
        truncated=truncated,
        dropped=dropped,
    )


def _inside(offsets: np.ndarray, spans: list[tuple[int, int]]) -> np.ndarray:
    # A token that straddles a border is left out: at inference the template's side of it is already given.
    mask = np.zeros(len(offsets), dtype=bool)
    for start, end in spans:
        mask |= (offsets[:, 0] >= start) & (offsets[:, 1] <= end) & (offsets[:, 1] > start)
    return mask
