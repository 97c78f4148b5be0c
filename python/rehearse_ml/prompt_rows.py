"""Questions that a model is to answer itself while it is trained, for TRL's trainers, which render them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from datasets import Dataset
from transformers import PreTrainedTokenizerBase

from .chat_template import REFUSALS, Turn, UnrenderableError
from .control_tokens import ControlTokens
from .conversation_file import Conversation, read_conversations
from .errors import JobError
from .faults import located
from .mixture import NAMED, Counts
from .protocol import Events

Row = dict[str, object]
RowOf = Callable[[Conversation], tuple[Row, Sequence[Turn]]]
"""Makes of a conversation a row, and the longest prompt that is made of it. Raises UnrenderableError."""


@dataclass(kw_only=True)
class PromptRows(Counts):
    """Rows whose column `prompt` has messages, the user's last; and what became of the conversations."""

    dataset: Dataset


@dataclass(frozen=True)
class Room:
    """The tokens that a prompt may have: `max_length` less `max_tokens`, which the answer may have."""

    max_length: int
    max_tokens: int
    method: str
    """As the spec calls it."""


def prompt_rows(
    path: Path, row_of: RowOf, tokenizer: PreTrainedTokenizerBase, room: Room, events: Events
) -> PromptRows:
    """Read the conversations of `path` as rows.

    What has no place is left out, counted and named in the log. Raises JobError `bad_data` where nothing is left.
    """
    rows: list[Row] = []
    counts = Counts()
    done = 0
    for conversation in read_conversations(path):
        done += 1
        try:
            with located(conversation.where):
                row, longest = row_of(conversation)
                tokens = _length(tokenizer, longest, conversation.where)
        except UnrenderableError as error:
            counts.unrenderable[error.reason] += 1
            if counts.unrenderable.total() <= NAMED:
                events.log(f"{conversation.where} is left out: {error.reason}.", level="warning")
            continue
        if tokens + room.max_tokens > room.max_length:
            counts.dropped += 1
            continue
        rows.append(row)
        counts.tokens += tokens
    events.progress("tokenize", done, done)
    reasons = "; ".join(f"{count} because {reason}" for reason, count in counts.unrenderable.most_common(NAMED))
    if not rows:
        raise JobError(
            "bad_data",
            f"{path} leaves nothing to learn from: of {done} conversations {counts.dropped} leave no room for an "
            f"answer of {room.max_tokens} tokens within {room.max_length}, and {counts.unrenderable.total()} have no "
            f"place in {room.method} ({reasons or 'none'}).",
            f"Check the mixture, raise maxLength, or lower {room.method}.maxTokens.",
        )
    if counts.dropped or counts.unrenderable:
        events.log(
            f"Of {done} conversations {counts.dropped} are too long and {counts.unrenderable.total()} have no place in "
            f"{room.method} ({reasons or 'none'}); they are left out.",
            level="warning",
        )
    return PromptRows(dataset=Dataset.from_list(rows), **vars(counts))


def question(conversation: Conversation, control: ControlTokens) -> list[Turn]:
    """Return the messages before the last answer, the user's last. Raises UnrenderableError."""
    where, messages = conversation.where, conversation.messages
    if conversation.tools or any(message["role"] == "tool" or "tool_calls" in message for message in messages):
        raise UnrenderableError(where, "it calls functions")
    if messages[-1]["role"] != "assistant":
        raise UnrenderableError(where, "it does not end with an answer to learn from")
    if messages[-2]["role"] != "user":
        raise UnrenderableError(where, "its last answer follows no question")
    # TRL renders and tokenises by itself, where such text would become structure.
    if control.written_in(str(message["content"]) for message in messages):
        raise UnrenderableError(where, "a control token is written in it")
    return [{"role": message["role"], "content": str(message["content"])} for message in messages[:-1]]


def _length(tokenizer: PreTrainedTokenizerBase, messages: Sequence[Turn], where: str) -> int:
    """Return the tokens of a prompt. Raises UnrenderableError for what the chat template refuses."""
    try:
        text = tokenizer.apply_chat_template(
            cast("list[dict[str, str]]", list(messages)), add_generation_prompt=True, tokenize=False
        )
    except REFUSALS as error:
        raise UnrenderableError(where, f"the chat template refuses it: {error}") from error
    return len(tokenizer(cast("str", text), add_special_tokens=False)["input_ids"])
