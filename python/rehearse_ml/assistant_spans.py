"""Which characters of a rendered conversation the assistant wrote.

The loss is taken on these only. They follow from the chat template alone, with no edit of it: everything that the
template adds between "the conversation so far, assistant to speak" and "the conversation with this answer" is what
the model must learn to write, its end-of-turn token included. Templates that render an earlier turn otherwise once
another follows (reasoning models drop old thoughts) break that; for them `{% generation %}` markers are used, the
template's own or those of the variant that TRL knows, after checking that it renders the very same text.
"""

from collections.abc import Callable
from typing import Any, cast

from jinja2 import TemplateError
from transformers import PreTrainedTokenizerBase
from transformers.utils.chat_template_utils import render_jinja_template
from trl.chat_template_utils import get_training_chat_template, has_generation_markers

from .conversations import Message
from .errors import JobError

Span = tuple[int, int]
SpanFinder = Callable[[list[Message], str], list[Span]]


class SpanError(Exception):
    """This way of finding the spans does not fit this conversation."""


class AssistantSpans:
    """Renders conversations with a tokenizer's own chat template and finds what the assistant wrote in them."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        """Raise JobError `chat_template` when `tokenizer` has no chat template."""
        if not tokenizer.chat_template:
            raise JobError(
                "chat_template",
                "The model's tokenizer has no chat template.",
                "Fine-tune an instruct model, or save its chat_template.jinja next to the weights.",
            )
        self._tokenizer = tokenizer
        self._special_tokens = sorted(tokenizer.all_special_tokens, key=len, reverse=True)
        self._marked_template = _marked_template(tokenizer)

    def render(self, messages: list[Message], where: str, *, cut: bool = False) -> tuple[str, list[Span]]:
        """Return the rendered conversation and the character spans of the assistant's turns in it, in order.

        Each span holds one answer and its end-of-turn token; where the last answer was `cut` at a token limit, its span
        ends with its text, since the end that the template puts there was never written. `where` names the conversation
        in errors. Raises JobError `chat_template` when the template refuses the conversation or the spans cannot be
        told.
        """
        try:
            text = self._render(messages)
        except (TemplateError, TypeError, ValueError, KeyError) as error:
            raise JobError(
                "chat_template",
                f"The chat template refuses {where}: {error}",
                "Bring the conversation into the shape that the template expects (roles, order, system message).",
            ) from error
        reasons = []
        finders: tuple[SpanFinder, ...] = (self._spans_by_prefix, self._spans_by_markers)
        for finder in finders:
            try:
                spans = finder(messages, text)
                return text, [*spans[:-1], _without_end(spans[-1], messages[-1], text)] if cut else spans
            except (SpanError, TemplateError, TypeError, ValueError, KeyError) as error:
                reasons.append(str(error))
        raise JobError(
            "chat_template",
            f"What the assistant wrote cannot be told apart in {where}: {'; '.join(reasons)}.",
            "Add {% generation %} markers to the model's chat template around the assistant's text.",
        )

    def _render(self, messages: list[Message], *, to_speak: bool = False) -> str:
        conversation = cast("list[dict[str, str]]", messages)
        return str(self._tokenizer.apply_chat_template(conversation, tokenize=False, add_generation_prompt=to_speak))

    def _spans_by_prefix(self, messages: list[Message], text: str) -> list[Span]:
        spans = []
        for index, message in enumerate(messages):
            if message["role"] != "assistant":
                continue
            before = self._render(messages[:index], to_speak=True)
            after = self._render(messages[: index + 1])
            if not (after.startswith(before) and text.startswith(after)):
                raise SpanError(f"the template renders message {index} differently once the conversation goes on")
            spans.append((len(before), self._end_of_turn(text, len(before), len(after))))
        return spans

    def _end_of_turn(self, text: str, start: int, end: int) -> int:
        # Templates put a line break after the end-of-turn token, which the model never gets to write.
        turn = text[start:end].rstrip()
        return start + len(turn) if any(turn.endswith(token) for token in self._special_tokens) else end

    def _spans_by_markers(self, messages: list[Message], text: str) -> list[Span]:
        if self._marked_template is None:
            raise SpanError("it has no {% generation %} markers, and TRL knows no variant of it that has")
        variables: dict[str, Any] = self._tokenizer.special_tokens_map
        rendered, marked = cast(
            "tuple[list[str], list[list[Span]]]",
            render_jinja_template(
                [cast("list[dict[str, Any]]", messages)],
                chat_template=self._marked_template,
                return_assistant_tokens_mask=True,
                **variables,
            ),
        )
        if rendered[0] != text:
            raise SpanError("the variant with {% generation %} markers renders other text")
        if len(marked[0]) != sum(message["role"] == "assistant" for message in messages):
            raise SpanError("the {% generation %} markers do not match the assistant's turns")
        return [(start, end) for start, end in marked[0]]


def _without_end(span: Span, message: Message, text: str) -> Span:
    start, end = span
    answer = message["content"].strip()  # templates may strip it
    found = text.find(answer, start, end)
    if found < 0:
        raise SpanError("the template changes the text of an answer that was cut, so where it ends is not known")
    return start, found + len(answer)


def _marked_template(tokenizer: PreTrainedTokenizerBase) -> str | None:
    template = tokenizer.chat_template
    if isinstance(template, dict):
        template = template["default"]
    if has_generation_markers(template):
        return template
    try:
        return get_training_chat_template(tokenizer)
    except ValueError:  # a template that TRL does not know
        return None
