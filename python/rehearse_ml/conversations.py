"""Rows of public data sets as conversations: the three schemas they come in, and what is wrong with a row of none."""

from dataclasses import dataclass
from typing import Literal, assert_never

from typing_extensions import TypedDict  # typing's is not introspected by pydantic before Python 3.12

from .spec import AlpacaSchema, RowSchema

Row = dict[str, object]
Role = Literal["system", "user", "assistant"]


class Message(TypedDict):
    """One turn."""

    role: Role
    content: str


ROLE: dict[str, Role] = {
    "system": "system",
    "user": "user",
    "human": "user",
    "prompter": "user",
    "assistant": "assistant",
    "gpt": "assistant",
    "chatgpt": "assistant",
    "bing": "assistant",
    "bard": "assistant",
    "model": "assistant",
}
"""Our name of a role by the names that data sets use (ShareGPT's dumps have several for the assistant)."""


ALPACA = ("instruction", "input", "output")


class MalformedRowError(Exception):
    """This row is no conversation; its text is the reason that is counted."""


@dataclass(frozen=True)
class Adapted:
    """A row's conversation: an optional system message, then user and assistant in turn, the assistant last."""

    messages: list[Message]
    cut: bool
    """Whether user turns after the last answer, from which nothing can be learned, were left out."""


def columns_of(schema: RowSchema) -> tuple[str, ...]:
    """Return the columns that hold the conversation."""
    return ALPACA if isinstance(schema, AlpacaSchema) else (schema.column,)


def adapt(row: object, schema: RowSchema) -> Adapted:
    """Return the conversation of `row`. Texts are kept as they are. Raises MalformedRowError.

    An alpaca row's input follows its instruction after a blank line. An empty system message is no message.
    """
    if isinstance(row, MalformedRowError):
        raise row
    if not isinstance(row, dict):
        raise MalformedRowError("not an object")
    match schema.kind:
        case "alpaca":
            return _alpaca(row)
        case "messages":
            return _turns(row, schema.column, "role", "content")
        case "sharegpt":
            return _turns(row, schema.column, "from", "value")
        case _:
            assert_never(schema.kind)


def _turns(row: Row, column: str, role_key: str, text_key: str) -> Adapted:
    """Return the conversation whose turns are in `column`; other keys of a turn (WildChat has many) are left out."""
    turns = row.get(column)
    if not isinstance(turns, list) or not turns:
        raise MalformedRowError(f"no list of turns in {column}")
    messages = [(_role(turn, role_key), turn.get(text_key)) for turn in turns]
    if messages[0][0] == "system" and not _has_text(messages[0][1]):
        messages = messages[1:]
    answers = [index for index, (role, _) in enumerate(messages) if role == "assistant"]
    if not answers:
        raise MalformedRowError("no answer")
    kept = messages[: answers[-1] + 1]
    dropped = messages[len(kept) :]
    if any(role != "user" for role, _ in dropped):
        raise MalformedRowError("a system message that is not the first")
    _check_order([role for role, _ in kept])
    return Adapted([{"role": role, "content": _text(text)} for role, text in kept], cut=bool(dropped))


def _alpaca(row: Row) -> Adapted:
    instruction, given, output = (row.get(column) for column in ALPACA)
    if not _has_text(instruction):
        raise MalformedRowError("no instruction")
    if not _has_text(output):
        raise MalformedRowError("no answer")
    request = _text(instruction)
    if given is not None and not isinstance(given, str):
        raise MalformedRowError("an input that is not text")
    if given is not None and given.strip():
        request = f"{request}\n\n{_text(given)}"
    return Adapted(
        [{"role": "user", "content": request}, {"role": "assistant", "content": _text(output)}],
        cut=False,
    )


def _role(turn: object, key: str) -> Role:
    name = turn.get(key) if isinstance(turn, dict) else None
    role = ROLE.get(name.strip().lower()) if isinstance(name, str) else None
    if role is None:
        raise MalformedRowError("a turn of no known role")
    return role


def _check_order(roles: list[str]) -> None:
    turns = roles[1:] if roles[0] == "system" else roles
    if "system" in turns:
        raise MalformedRowError("a system message that is not the first")
    if turns[0] == "assistant":
        raise MalformedRowError("begins with the assistant")
    if any(role != ("user", "assistant")[index % 2] for index, role in enumerate(turns)):
        raise MalformedRowError("user and assistant not in turn")


def _has_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _text(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise MalformedRowError("a turn without text")
    try:
        value.encode()
    except UnicodeEncodeError as error:  # half a surrogate pair, which no tokenizer takes
        raise MalformedRowError("text that is not Unicode") from error
    return value
