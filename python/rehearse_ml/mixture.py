"""The training set: conversations as token ids with labels on what the assistant is to write."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import numpy as np
from datasets import Dataset
from transformers import PreTrainedTokenizerBase

from .assistant_spans import AssistantSpans, Spans
from .chat_template import RefusedError, UnrenderableError, unmarked_strings
from .control_tokens import ControlTokens, Encoded
from .conversation_file import Conversation, read_conversations
from .errors import JobError
from .faults import located
from .protocol import Events

IGNORED = -100
"""Label of a token that the loss leaves out (PyTorch's cross entropy)."""

BATCH = 256
NAMED = 5
"""Of the conversations that cannot be rendered, so many are named in the log."""


@dataclass
class Counts:
    """What became of the conversations."""

    tokens: int = 0
    trained_tokens: int = 0
    truncated: int = 0
    dropped: int = 0
    """Conversations with nothing to train on within the length; they are not in the data set."""
    unrenderable: Counter[str] = field(default_factory=Counter)
    """Conversations that the template or the tokenizer does not take, by reason; they are not in the data set."""
    control_texts: int = 0
    """Conversations in whose words a control token is written, which was encoded as text."""
    thoughts_kept: int = 0
    thoughts_left_out: int = 0


@dataclass(kw_only=True)
class TokenizedMixture(Counts):
    """Columns `input_ids` and `labels`, and the counts of what became of the conversations."""

    dataset: Dataset
    names: list[str]
    """Of the conversations in `dataset`."""


class Tokenization:
    """Conversations to token ids, with what the assistant is to write told apart."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase, *, keep_thoughts: bool = False) -> None:
        """Raise JobError `chat_template` when `tokenizer` has no chat template."""
        self._tokenizer = tokenizer
        self._spans = AssistantSpans(tokenizer, keep_thoughts=keep_thoughts)
        self._control = ControlTokens(tokenizer)

    def rendered(self, conversation: Conversation) -> Spans:
        """Return the text of a conversation and what of it is trained. Raises UnrenderableError."""
        if self._control.written_in(unmarked_strings(conversation.messages, conversation.tools)):
            raise UnrenderableError(conversation.where, "the name or schema of a function holds a control token")
        return self._spans.find(
            conversation.messages, conversation.where, cut=conversation.cut, tools=conversation.tools or None
        )

    def encoded(self, batch: Sequence[Spans]) -> Iterator[tuple[Encoded | str, bool]]:
        """Yield for each text its tokens, or why there are none; and if a control token is written in it."""
        encoded = self._tokenizer(
            [each.text for each in batch], add_special_tokens=False, return_offsets_mapping=True, truncation=False
        )
        for each, ids, offsets in zip(batch, encoded["input_ids"], encoded["offset_mapping"], strict=True):
            written = self._control.within(each.text, each.texts)
            try:
                found = self._control.encode(each.text, written) if written else Encoded(ids, offsets)
                found = self._control.trimmed(each.text, found)
            except RefusedError as error:
                yield str(error), True
                continue
            if self._control.escaped(found.ids, found.offsets, each.texts):
                yield "the tokenizer makes a control token of the letters of a text", True
                continue
            yield found, bool(written)


def tokenize_mixture(
    path: Path,
    tokenizer: PreTrainedTokenizerBase,
    *,
    max_length: int,
    phase: str,
    events: Events,
    keep_thoughts: bool = False,
) -> TokenizedMixture:
    """Render and tokenize the conversations of `path`, cut to `max_length` tokens.

    What cannot be rendered is left out, counted and named in the log. Raises JobError `bad_data` (a bad line, or
    nothing to train on) and `chat_template`.
    """
    tokenization = Tokenization(tokenizer, keep_thoughts=keep_thoughts)
    input_ids: list[np.ndarray] = []
    labels: list[np.ndarray] = []
    names: list[str] = []
    counts = Counts()
    done = 0
    total, conversations = sum(1 for _ in read_conversations(path)), read_conversations(path)
    while batch := list(islice(conversations, BATCH)):
        rendered: list[tuple[Conversation, Spans]] = []
        for conversation in batch:
            try:
                with located(conversation.where):
                    rendered.append((conversation, tokenization.rendered(conversation)))
            except UnrenderableError as error:
                _leave_out(counts, conversation, error.reason, events)
        with located(f"{path} from {batch[0].where} on"):
            encoded = list(tokenization.encoded([spans for _, spans in rendered])) if rendered else []
        for (conversation, spans), (found, control_text) in zip(rendered, encoded, strict=True):
            if isinstance(found, str):
                _leave_out(counts, conversation, found, events)
                continue
            ids = np.asarray(found.ids, dtype=np.int32)
            mask = _inside(np.asarray(found.offsets).reshape(-1, 2), spans.trained)
            counts.truncated += len(ids) > max_length
            ids, mask = ids[:max_length], mask[:max_length]
            if not mask.any():
                counts.dropped += 1
                continue
            names.append(conversation.name)
            input_ids.append(ids)
            labels.append(np.where(mask, ids, IGNORED))
            counts.tokens += len(ids)
            counts.trained_tokens += int(mask.sum())
            counts.control_texts += control_text
            counts.thoughts_kept += spans.thoughts_kept
            counts.thoughts_left_out += spans.thoughts_left_out
        done += len(batch)
        events.progress(phase, done, total)
    if not input_ids:
        raise JobError(
            "bad_data",
            f"{path} leaves nothing to train on: {done} conversations, of which {counts.dropped} have no assistant "
            f"token within {max_length} tokens{_why(counts)}.",
            "Check the mixture, or raise maxLength.",
        )
    _tell(counts, done, max_length, events)
    dataset = Dataset.from_dict({"input_ids": input_ids, "labels": labels})
    return TokenizedMixture(dataset=dataset, names=names, **vars(counts))


def _leave_out(counts: Counts, conversation: Conversation, reason: str, events: Events) -> None:
    counts.unrenderable[reason] += 1
    if counts.unrenderable.total() <= NAMED:
        events.log(f"{conversation.where} is left out: {reason}.", level="warning")


def _why(counts: Counts) -> str:
    reasons = "; ".join(f"{count} because {reason}" for reason, count in counts.unrenderable.most_common(NAMED))
    return f" and {counts.unrenderable.total()} cannot be rendered ({reasons})" if reasons else ""


def _tell(counts: Counts, done: int, max_length: int, events: Events) -> None:
    if counts.truncated or counts.dropped:
        events.log(
            f"{counts.truncated} of {done} conversations were cut to {max_length} tokens; {counts.dropped} were left "
            "with no assistant token and dropped.",
            level="warning",
        )
    if counts.unrenderable:
        events.log(f"Of {done} conversations{_why(counts)[4:]}; they are left out.", level="warning")
    if counts.control_texts:
        events.log(
            f"{counts.control_texts} of {done} conversations have a control token written in their words; it was "
            "encoded as text.",
            level="warning",
        )
    if counts.thoughts_left_out:
        events.log(
            f"{counts.thoughts_left_out} answers are trained without the thoughts that they had.", level="warning"
        )


def _inside(offsets: np.ndarray, spans: list[tuple[int, int]]) -> np.ndarray:
    # A token that straddles a border is left out: at inference the template's side of it is already given.
    mask = np.zeros(len(offsets), dtype=bool)
    for start, end in spans:
        mask |= (offsets[:, 0] >= start) & (offsets[:, 1] <= end) & (offsets[:, 1] > start)
    return mask
