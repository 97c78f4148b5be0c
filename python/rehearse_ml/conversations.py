"""Rows of public data sets as conversations: the three schemas they come in, and what is wrong with a row of none."""

from dataclasses import dataclass
from typing import Literal, assert_never

from typing_extensions import TypedDict  # typing's is not introspected by pydantic before Python 3.12

from .spec import AlpacaSchema, PromptCompletionSchema, RawSchema, RowSchema
from .text_lines import is_blank

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
PROMPT_COMPLETION = ("prompt", "completion")


class MalformedRowError(Exception):
    """This row is no conversation; its text is the reason that is counted."""


@dataclass(frozen=True)
class Adapted:
    """A row's conversation: an optional system message, then user and assistant in turn, the assistant last."""

    messages: list[Message]
    cut: bool
    """Whether user turns after the last answer, from which nothing can be learned, were left out."""


def columns_of(schema: RowSchema) -> tuple[str, ...]:
    """Return the columns that hold the conversation. Empty for all."""
    match schema:
        case AlpacaSchema():
            return ALPACA
        case PromptCompletionSchema():
            return PROMPT_COMPLETION
        case RawSchema():
            return ()
        case _:
            return (schema.column,)


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
        case "prompt-completion":
            return _prompt_completion(row)
        case "raw":
            raise ValueError("a row that is wanted as it is, is no conversation")
        case _:
            assert_never(schema.kind)


def _turns(row: Row, column: str, role_key: str, text_key: str) -> Adapted:
    """Return the conversation whose turns are in `column`; other keys of a turn (WildChat has many) are left out."""
    turns = row.get(column)
    if not isinstance(turns, list) or not turns:
        raise MalformedRowError(f"no list of turns in {column}")
    messages = [(_role(turn, role_key), _joined(turn.get(text_key))) for turn in turns]
    for turn in turns:
        _check_plain(turn)
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
    if _has_text(given):
        request = f"{request}\n\n{_text(given)}"
    return Adapted(
        [{"role": "user", "content": request}, {"role": "assistant", "content": _text(output)}],
        cut=False,
    )


def _prompt_completion(row: Row) -> Adapted:
    """Return the conversation of two texts, or of two lists of messages."""
    turns: list[object] = []
    for column, role in zip(PROMPT_COMPLETION, ("user", "assistant"), strict=True):
        value = row.get(column)
        if isinstance(value, list):
            turns += value
        else:
            turns.append({"role": role, "content": value})
    return _turns({"turns": turns}, "turns", "role", "content")


def _check_plain(turn: Row) -> None:
    """Refuse what would change if only its text were trained."""
    if turn.get("tool_calls") or turn.get("function_call"):
        raise MalformedRowError("tool calls")
    if turn.get("weight") == 0 or any(turn.get(key) is False for key in ("train", "training", "loss")):
        raise MalformedRowError("a turn that is not to be trained")


def _joined(content: object) -> object:
    """Return the text of a list of text parts; all else as it is."""
    if not isinstance(content, list) or not content:
        return content
    texts: list[str] = []
    for part in content:
        text = part.get("text") if isinstance(part, dict) and part.get("type") == "text" else None
        if not isinstance(text, str):
            return None
        texts.append(text)
    return "".join(texts)


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
    return isinstance(value, str) and not is_blank(value)


def _text(value: object) -> str:
    if not _has_text(value) or not isinstance(value, str):
        raise MalformedRowError("a turn without text")
    try:
        value.encode()
    except UnicodeEncodeError as error:  # half a surrogate pair, which no tokenizer takes
        raise MalformedRowError("text that is not Unicode") from error
    return value
