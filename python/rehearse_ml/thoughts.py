"""Thoughts of a reasoning model: `reasoning_content` beside an answer, or `<think>` before it."""

import re
from collections.abc import Sequence

from .chat_template import ChatTemplate, RefusedError, Turn
from .message_forms import MessageForms

INLINE = re.compile(r"\A\s*<think>(.*?)</think>\s*", re.DOTALL)
"""How rows carry thoughts that have no field of their own."""

_ASKED: Turn = {"role": "user", "content": "question"}


class Thoughts:
    """What a chat template does with thoughts, and messages with theirs kept or left out."""

    def __init__(self, template: ChatTemplate, forms: MessageForms, *, keep: bool) -> None:
        """`keep` thoughts where the template writes them."""
        self._keep = keep
        self._known = _knows(template, forms)

    def apply(self, message: Turn) -> tuple[dict[str, object], bool]:
        """Return an assistant's message with its thoughts in `reasoning_content`, or without; and if it had any.

        A `<think>` that means nothing to the template is text like any other, and stays, as other messages do.
        """
        if message["role"] != "assistant":
            return dict(message), False
        own = {key: value for key, value in message.items() if key != "reasoning_content"}
        thought, content = message.get("reasoning_content"), message.get("content")
        thought = thought if isinstance(thought, str) and thought.strip() else None
        if thought is None and self._known and isinstance(content, str) and (inline := INLINE.match(content)):
            thought = inline[1].strip() or None
            own["content"] = content[inline.end() :]
        if thought is not None and self._keep:
            own["reasoning_content"] = thought
        return own, thought is not None


def _knows(template: ChatTemplate, forms: MessageForms) -> bool:
    """Tell whether the template reads `reasoning_content`, or takes a `<think>` for more than text."""
    answer: Turn = {"role": "assistant", "content": "answer", "reasoning_content": "thought"}
    inline = "<think>\nthought\n</think>\n\nanswer"
    conversations: Sequence[tuple[Turn, str]] = ((answer, "thought"), ({"role": "assistant", "content": inline}, ""))
    for message, said in conversations:
        try:
            text = template.render(forms.shown([_ASKED, message]))
        except RefusedError:
            continue
        if said and said in text:
            return True
        if not said:
            return inline not in text
    return False
