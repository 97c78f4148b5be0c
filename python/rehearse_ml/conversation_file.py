"""Conversations to train on or to measure, in the JSONL that the caller writes: services/data/conversations.ts."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from .errors import JobError

Turn = dict[str, object]

ROLES = ("system", "user", "assistant", "tool")


@dataclass(frozen=True)
class Conversation:
    """One line of the mixture; `where` is its file, line and id, for errors, `name` its id, without one its line."""

    messages: list[Turn]
    """{role, content}; an assistant's also with `tool_calls`, `reasoning_content`, `weight` and `train`."""
    where: str
    name: str
    cut: bool
    """Whether the answer at its end was cut at a token limit: no loss is taken on an end that it does not have."""
    tools: list[object] = field(default_factory=list)
    """Functions that may be called, as JSON schemas."""


def read_conversations(path: Path) -> Iterator[Conversation]:
    """Yield the conversations of a JSONL file of {id, messages: [{role, content, …}], tools, cut}.

    Other keys of a line are ignored. Raises JobError `bad_data`, which names the line and what is wrong with it.
    """
    try:
        file = path.open(encoding="utf-8", newline="\n")
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
    messages = [_message(message, index, where) for index, message in enumerate(row["messages"])]
    if not any(message["role"] == "assistant" for message in messages):
        raise _bad(where, "has no assistant message to learn from")
    if messages[0]["role"] == "assistant":
        raise _bad(where, "begins with the assistant, so there is nothing to answer")
    cut = row.get("cut", False)
    if not isinstance(cut, bool):
        raise _bad(where, "has a `cut` that is neither true nor false")
    if cut and messages[-1]["role"] != "assistant":
        raise _bad(where, "is marked as `cut`, but does not end with the assistant")
    tools = row.get("tools")
    if tools is not None and not (isinstance(tools, list) and all(isinstance(tool, dict) for tool in tools)):
        raise _bad(where, "has `tools` that are no list of objects")
    return Conversation(messages, where, name, cut, tools or [])


def _message(message: object, index: int, where: str) -> Turn:
    if not isinstance(message, dict) or message.get("role") not in ROLES:
        raise _bad(where, f"has a message {index} whose role is none of {', '.join(ROLES)}")
    calls = message.get("tool_calls")
    if calls is not None and not (isinstance(calls, list) and all(isinstance(call, dict) for call in calls)):
        raise _bad(where, f"has a message {index} whose `tool_calls` are no list of objects")
    content = _text(message.get("content"))
    if not content.strip() and not calls and message["role"] != "tool":  # a tool may give nothing back
        raise _bad(where, f"has a message {index} without text in `content`")
    turn = {key: value for key, value in cast("Turn", message).items() if value is not None}
    try:
        json.dumps(turn, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:  # half a surrogate pair, which no tokenizer takes
        raise _bad(where, f"has a message {index} whose text is not Unicode") from error
    return {**turn, "content": content}


def _text(content: object) -> str:
    """Return a text, or the texts of the parts of one; an empty one where there is none."""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    texts = [part.get("text") if isinstance(part, dict) and part.get("type") == "text" else None for part in parts]
    return "".join(cast("list[str]", texts)) if all(isinstance(text, str) for text in texts) else ""


def _bad(where: str, what: str) -> JobError:
    return JobError("bad_data", f"{where} {what}.", "Each line is one JSON object {id, messages, tools, cut}.")
