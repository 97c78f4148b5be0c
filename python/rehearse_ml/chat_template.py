"""A model's chat template, rendered so that it is known where in the text each message went.

The strings of the messages are rendered a second time between marks of Unicode's private use; what is left without the
marks must be what was rendered without them, so no template is edited, and none is guessed at.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

from jinja2 import TemplateError
from transformers import PreTrainedTokenizerBase

from .errors import JobError

Turn = Mapping[str, object]
Field = Literal["content", "reasoning_content", "tool_calls"]

REFUSALS = (TemplateError, TypeError, ValueError, LookupError, AttributeError, ArithmeticError)
"""What a template raises for a conversation that it does not take."""

PLANES = (0xF0000, 0x100000)
"""Unicode's private use planes, of which the one is taken for marks that the conversation has no character of."""
PLANE_SIZE = 0xFFFE


class UnrenderableError(JobError):
    """A conversation that the template cannot make a training text of; `reason` is what is counted."""

    def __init__(self, where: str, reason: str) -> None:
        """Name the conversation by `where`."""
        super().__init__(
            "chat_template",
            f"{where} cannot be trained on with the model's chat template: {reason}.",
            "Bring the conversation into the shape that the template expects (roles, order, system message), or leave "
            "it out.",
        )
        self.reason = reason


class RefusedError(Exception):
    """The template, or what it makes of the conversation, is of no use; its text is the reason."""


@dataclass(frozen=True)
class Piece:
    """A string of a message in the rendered text: `text` is what it was, less the white space around it."""

    message: int
    field: Field
    text: str
    start: int
    end: int


@dataclass(frozen=True)
class Rendering:
    """A rendered conversation."""

    text: str
    pieces: tuple[Piece, ...]
    """In the order of the text."""
    lost: frozenset[tuple[int, Field]]
    """Strings that are not in the text once and whole, by message and field."""
    starts: tuple[int, ...]
    """Where strings begin, those that are in the text again included."""

    def of(self, message: int, field: Field | None = None) -> list[Piece]:
        """Return the pieces of a message in the order of the text."""
        return [piece for piece in self.pieces if piece.message == message and field in (None, piece.field)]

    def before(self, position: int) -> int:
        """Return where the piece before `position` ends."""
        return max((piece.end for piece in self.pieces if piece.end <= position), default=0)

    def after(self, position: int) -> int:
        """Return where the next string behind `position` begins."""
        return min((start for start in self.starts if start >= position), default=len(self.text))


class ChatTemplate:
    """Renders conversations with a tokenizer's own chat template."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        """Raise JobError `chat_template` when `tokenizer` has no chat template."""
        if not tokenizer.chat_template:
            raise JobError(
                "chat_template",
                "The model's tokenizer has no chat template.",
                "Fine-tune an instruct model, or save its chat_template.jinja next to the weights.",
            )
        self._tokenizer = tokenizer

    def mentions(self, *texts: str) -> bool:
        """Tell whether one of `texts` stands in the template."""
        template = self._tokenizer.chat_template
        source = "\n".join(template.values()) if isinstance(template, dict) else str(template)
        return any(text in source for text in texts)

    def render(self, messages: Sequence[Turn], tools: Sequence[object] | None = None, *, to_speak: bool = False) -> str:
        """Return the text of a conversation, with the assistant's header behind it where it is `to_speak`.

        Raises RefusedError.
        """
        try:
            return str(
                self._tokenizer.apply_chat_template(
                    cast("list[dict[str, str]]", messages),
                    tools=cast("Any", tools),
                    tokenize=False,
                    add_generation_prompt=to_speak,
                )
            )
        except REFUSALS as error:
            said = (str(error).strip().splitlines() or [type(error).__name__])[0]
            raise RefusedError(f"the template refuses it ({said})") from error

    def locate(
        self, messages: Sequence[Turn], tools: Sequence[object] | None = None, *, to_speak: bool = False
    ) -> Rendering:
        """Return the text of a conversation and where in it the strings of its messages are. Raises RefusedError."""
        plain = self.render(messages, tools, to_speak=to_speak)
        plane = _free_plane(plain)
        # Some templates look at how a user's text begins (`<tool_response>`), which a mark would hide.
        for roles in (None, ("assistant",)):
            marks = _Marks(plane, roles)
            try:
                marked = self.render(marks.marked(messages), tools, to_speak=to_speak)
            except RefusedError:
                continue
            found = marks.read(marked)
            if found.text == plain:
                return found
        raise RefusedError("the template depends on how a text begins or ends, so what it makes of it is not known")


class _Marks:
    """Puts a mark of its own before and behind each string of a conversation, and finds them in the rendered text."""

    def __init__(self, plane: int, roles: tuple[str, ...] | None) -> None:
        self._plane = plane
        self._roles = roles
        self._strings: list[tuple[int, Field, str]] = []

    def marked(self, messages: Sequence[Turn]) -> list[dict[str, object]]:
        return [
            {
                key: self._value(value, index, cast("Field", key)) if key in _MARKED and self._takes(message) else value
                for key, value in message.items()
            }
            for index, message in enumerate(messages)
        ]

    def _takes(self, message: Turn) -> bool:
        return self._roles is None or message.get("role") in self._roles

    def _value(self, value: object, index: int, field: Field) -> object:
        if isinstance(value, str):
            return self._string(value, index, field)
        if isinstance(value, dict):
            return {
                key: item if key in _UNMARKED else self._value(item, index, field)
                for key, item in cast("dict[str, object]", value).items()
            }
        if isinstance(value, list):
            return [self._value(item, index, field) for item in value]
        return value

    def _string(self, value: str, index: int, field: Field) -> str:
        text = value.strip()
        if not text:
            return value
        first = self._plane + 2 * len(self._strings)
        if first + 1 >= self._plane + PLANE_SIZE:
            raise RefusedError("it has too many strings")
        self._strings.append((index, field, text))
        at = len(value) - len(value.lstrip())
        # Inside of the white space, which templates strip.
        return f"{value[:at]}{chr(first)}{text}{chr(first + 1)}{value[at + len(text) :]}"

    def read(self, marked: str) -> Rendering:
        found: dict[int, list[int]] = {}
        parts: list[str] = []
        length = at = 0
        for match in re.finditer(f"[{chr(self._plane)}-{chr(self._plane + PLANE_SIZE - 1)}]", marked):
            parts.append(marked[at : match.start()])
            length += match.start() - at
            at = match.end()
            found.setdefault(ord(match[0]) - self._plane, []).append(length)
        parts.append(marked[at:])
        text = "".join(parts)
        pieces: list[Piece] = []
        lost: set[tuple[int, Field]] = set()
        for number, (message, field, string) in enumerate(self._strings):
            starts, ends = found.get(2 * number, []), found.get(2 * number + 1, [])
            # A function's name may be told again where its result is given.
            once = len(starts) == len(ends) and (len(starts) == 1 or (len(starts) > 1 and field == "tool_calls"))
            if not once or ends[0] <= starts[0]:
                lost.add((message, field))
                continue
            pieces.append(Piece(message, field, string, starts[0], ends[0]))
        return Rendering(
            text=text,
            pieces=tuple(sorted(pieces, key=lambda piece: piece.start)),
            lost=frozenset(lost),
            starts=tuple(sorted(at for number, places in found.items() if number % 2 == 0 for at in places)),
        )


_MARKED = ("content", "reasoning_content", "tool_calls")
_UNMARKED = ("role", "type", "id", "index")
"""What templates compare, and do not only write."""


def unmarked_strings(messages: Sequence[Turn], tools: Sequence[object] | None) -> Iterator[str]:
    """Yield the strings of a conversation that a template may write, and that have no piece in its text."""
    for message in messages:
        for key, value in message.items():
            if key not in _MARKED:
                yield json.dumps(value, ensure_ascii=False)
            elif isinstance(value, list):
                yield from _names(value)
    if tools:
        yield json.dumps(tools, ensure_ascii=False)


def _names(value: object) -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            yield from _names(item)
    elif isinstance(value, dict):
        for key, item in cast("dict[str, object]", value).items():
            yield key
            if key in _UNMARKED and isinstance(item, str):
                yield item
            else:
                yield from _names(item)


def _free_plane(text: str) -> int:
    for plane in PLANES:
        if not re.search(f"[{chr(plane)}-{chr(plane + PLANE_SIZE - 1)}]", text):
            return plane
    raise RefusedError("it has characters of both of Unicode's private use planes")
