"""Conversations to train on or to measure, in the JSONL that the caller writes: services/data/conversations.ts."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from .conversations import Message, Role
from .errors import JobError

ROLES = get_args(Role)


@dataclass(frozen=True)
class Conversation:
    """One line of the mixture; `where` is its file, line and id, for errors, `name` its id, without one its line."""

    messages: list[Message]
    where: str
    name: str
    cut: bool
    """Whether the answer at its end was cut at a token limit: no loss is taken on an end that it does not have."""


def read_conversations(path: Path) -> Iterator[Conversation]:
    """Yield the conversations of a JSONL file of {id, messages: [{role, content}], cut}; other keys are ignored.

    Raises JobError `bad_data`, which names the line and what is wrong with it.
    """
    try:
        file = path.open(encoding="utf-8")
    except OSError as error:
        raise JobError(
            "bad_data", f"The mixture {path} cannot be read: {error.strerror}.", "Check its path."
        ) from error
    with file:
        line_number = 0
        try:
            for line_number, line in enumerate(file, start=1):
                if line.strip():
                    yield _conversation(line, f"{path} line {line_number}", f"line {line_number}")
        except UnicodeDecodeError as error:
            raise _bad(f"{path} after line {line_number}", "is not UTF-8") from error


def _conversation(line: str, where: str, name: str) -> Conversation:
    try:
        row = json.loads(line)
    except json.JSONDecodeError as error:
        raise _bad(where, f"is not JSON ({error.msg} at character {error.pos})") from error
    if not isinstance(row, dict) or not isinstance(row.get("messages"), list):
        raise _bad(where, "has no list `messages`")
    if "id" in row:
        name = str(row["id"])
        where = f"{where} (id {name})"
    messages: list[Message] = []
    for index, message in enumerate(row["messages"]):
        if not isinstance(message, dict) or message.get("role") not in ROLES:
            raise _bad(where, f"has a message {index} whose role is none of {', '.join(ROLES)}")
        content = message.get("content")
        if not isinstance(content, str) or not content.strip():
            raise _bad(where, f"has a message {index} without text in `content`")
        messages.append({"role": message["role"], "content": content})
    if not any(message["role"] == "assistant" for message in messages):
        raise _bad(where, "has no assistant message to learn from")
    if messages[0]["role"] == "assistant":
        raise _bad(where, "begins with the assistant, so there is nothing to answer")
    cut = row.get("cut", False)
    if not isinstance(cut, bool):
        raise _bad(where, "has a `cut` that is neither true nor false")
    if cut and messages[-1]["role"] != "assistant":
        raise _bad(where, "is marked as `cut`, but does not end with the assistant")
    return Conversation(messages, where, name, cut)


def _bad(where: str, what: str) -> JobError:
    return JobError("bad_data", f"{where} {what}.", "Each line is one JSON object {id, messages, cut}.")
