"""The form in which a chat template wants messages: texts as strings or as parts, arguments as objects or as JSON."""

import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import cast

from .chat_template import ChatTemplate, RefusedError, Rendering, Turn

_PROBE: Sequence[Turn] = ({"role": "user", "content": "question"}, {"role": "assistant", "content": "answer"})

SHOWN = ("role", "content", "reasoning_content", "tool_calls", "tool_call_id", "name")
"""Keys of a message that templates read; others are ours."""


class MessageForms:
    """Conversations as a template wants them."""

    def __init__(self, template: ChatTemplate) -> None:
        """Learn from the template whether texts are strings, or lists of parts as for models that see."""
        self._template = template
        self._parts = not self._shows(parts=False) and self._shows(parts=True)

    def shown(self, messages: Sequence[Turn]) -> list[Turn]:
        """Return the messages in the form that needs no trial."""
        return [_shown(message, parts=self._parts) for message in messages]

    def locate(self, messages: Sequence[Turn], tools: Sequence[object] | None) -> tuple[list[Turn], Rendering]:
        """Return the messages in the first form of which the template leaves out no call, and their rendering.

        Raises RefusedError.
        """
        shown = self.shown(messages)
        if not any(message.get("tool_calls") for message in shown):
            return shown, self._template.locate(shown, tools)
        refused: RefusedError | None = None
        for form in _forms_of_calls(shown):
            try:
                rendering = self._template.locate(form, tools)
            except RefusedError as error:
                refused = refused or error
                continue
            if not any(field == "tool_calls" for _, field in rendering.lost):
                return form, rendering
            refused = refused or RefusedError("the template does not write calls of functions")
        assert refused is not None
        raise refused

    def reply_to(self, message: Turn) -> Turn:
        """Return a message that may follow the assistant's `message`: the result of its call, or a question."""
        calls = message.get("tool_calls")
        if not isinstance(calls, list) or not calls:
            return _shown(_PROBE[0], parts=self._parts)
        call = cast("dict[str, object]", calls[-1])
        function = cast("dict[str, object]", call.get("function", call))
        reply: Turn = {
            "role": "tool",
            "content": "result",
            "name": function.get("name"),
            "tool_call_id": call.get("id"),
        }
        return _shown({key: value for key, value in reply.items() if value is not None}, parts=self._parts)

    def _shows(self, *, parts: bool) -> bool:
        try:
            rendering = self._template.locate([_shown(message, parts=parts) for message in _PROBE])
        except RefusedError:
            return False
        return not rendering.lost


def function_names(tools: Sequence[object] | None) -> list[str]:
    """Return the names of the functions that may be called."""
    named = [tool.get("function", tool) if isinstance(tool, dict) else None for tool in tools or []]
    names = [each.get("name") if isinstance(each, dict) else None for each in named]
    return [name for name in names if isinstance(name, str)]


def _shown(message: Turn, *, parts: bool) -> dict[str, object]:
    shown = {key: value for key, value in message.items() if key in SHOWN and value is not None}
    if parts and isinstance(shown.get("content"), str):
        shown["content"] = [{"type": "text", "text": shown["content"]}]
    return shown


def _forms_of_calls(messages: Sequence[Turn]) -> Iterator[list[Turn]]:
    """Yield the conversation with arguments as objects, then as JSON; each with an empty text beside calls, or none."""
    for as_object in (True, False):
        for empty in (True, False):
            yield [_with_calls(message, as_object=as_object, empty=empty) for message in messages]


def _with_calls(message: Turn, *, as_object: bool, empty: bool) -> Turn:
    calls = message.get("tool_calls")
    if not isinstance(calls, list) or not calls:
        return message
    rest = {key: value for key, value in message.items() if key != "content" or value}
    if "content" not in rest and empty:
        rest["content"] = ""
    return {**rest, "tool_calls": [_call(call, as_object=as_object) for call in calls]}


def _call(call: object, *, as_object: bool) -> object:
    if not isinstance(call, dict):
        return call
    function = call.get("function", call)
    if not isinstance(function, dict):
        return call
    arguments = function.get("arguments")
    if as_object and isinstance(arguments, str):
        with suppress(ValueError):  # shown as it is
            arguments = json.loads(arguments)
    elif not as_object and not isinstance(arguments, str):
        arguments = json.dumps(arguments, ensure_ascii=False)
    whole = {"type": "function", **{key: value for key, value in call.items() if key in ("id", "type")}}
    return {**whole, "function": {**function, "arguments": arguments}}
