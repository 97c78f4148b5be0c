"""Thoughts of a reasoning model: `reasoning_content` beside an answer, or `<think>` before it."""

import re
from collections.abc import Sequence

from .chat_template import ChatTemplate, RefusedError, Turn
from .message_forms import MessageForms

INLINE = re.compile(r"\A\s*<think>(.*?)</think>\s*", re.DOTALL)
"""How rows carry thoughts that have no field of their own."""

_ASKED: Turn = {"role": "user", "content": "question"}
_THOUGHT = "Zq7tZqThought"
"""What no template says itself: Magistral's tells the model of its thoughts."""


class Thoughts:
    """What a chat template does with thoughts, and messages with theirs kept or left out."""

    def __init__(self, template: ChatTemplate, forms: MessageForms, *, keep: bool) -> None:
        """`keep` thoughts where the template writes them."""
        self._keep = keep
        self._read = _reads(template, forms)
        self._known = self._read or template.mentions("<think>", "</think>")

    def apply(self, message: Turn) -> tuple[dict[str, object], bool]:
        """Return an assistant's message with its thoughts in `reasoning_content`, or without; and if it had any.

        A `<think>` that means nothing to the template is text like any other, and stays, as other messages do. So does
        one that is kept where the template shows it as it stands.
        """
        if message["role"] != "assistant":
            return dict(message), False
        own = {key: value for key, value in message.items() if key != "reasoning_content"}
        thought, content = message.get("reasoning_content"), message.get("content")
        thought = thought if isinstance(thought, str) and thought.strip() else None
        taken = self._read if self._keep else self._known
        if thought is None and taken and isinstance(content, str) and (inline := INLINE.match(content)):
            thought = inline[1].strip() or None
            own["content"] = content[inline.end() :]
        if thought is not None and self._keep:
            own["reasoning_content"] = thought
        return own, thought is not None


def _reads(template: ChatTemplate, forms: MessageForms) -> bool:
    """Tell whether the template reads `reasoning_content`, or takes a `<think>` for more than text."""
    answer: Turn = {"role": "assistant", "content": "answer", "reasoning_content": _THOUGHT}
    inline = f"<think>\n{_THOUGHT}\n</think>\n\nanswer"
    conversations: Sequence[tuple[Turn, str]] = ((answer, _THOUGHT), ({"role": "assistant", "content": inline}, ""))
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
