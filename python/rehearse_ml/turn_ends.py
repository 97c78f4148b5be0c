"""Where an answer's end of turn ends, told apart from what the template writes behind it by rendering."""

import re
from collections.abc import Sequence
from functools import cached_property

from transformers import PreTrainedTokenizerBase

from .chat_template import ChatTemplate, RefusedError, Rendering, Turn
from .message_forms import MessageForms

ASKED: Turn = {"role": "user", "content": "question"}
ANSWERED: Turn = {"role": "assistant", "content": "answer"}


class TurnEnds:
    """The ends of turns of a chat template: no next turn's header is part of one, nor a line break behind it."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase, template: ChatTemplate, forms: MessageForms) -> None:
        """Ask `tokenizer` for its tokens."""
        self._template = template
        self._forms = forms
        self._marks = {str(tokenizer.bos_token or ""), str(tokenizer.eos_token or "")}
        self._eos = tokenizer.eos_token
        added = sorted(map(str, tokenizer.get_added_vocab()), key=len, reverse=True)
        self._units = re.compile("|".join([*map(re.escape, added), r"<[^<>\s]{1,60}>", r"\w+", r"\s|\S"]))

    def split(self, text: str) -> list[str]:
        """Return the units of `text`: its tokens that are made for structure, its markup, its words."""
        return self._units.findall(text)

    def end(self, messages: Sequence[Turn], tools: Sequence[object] | None, rendering: Rendering, index: int) -> int:
        """Return where in the text of `rendering` the assistant's message `index` ends, its end of turn included."""
        last = rendering.of(index)[-1].end
        tail = rendering.text[last : rendering.after(last)]
        if not messages[index].get("tool_calls"):
            end = self._usual[index < len(messages) - 1]
            at = -1 if end is None else tail.find(end)
            if end is not None and at >= 0 and not tail[:at].strip():
                return last + at + len(end) if end else last
        return last + len(self._shown(messages, tools, index, tail))

    def _shown(self, messages: Sequence[Turn], tools: Sequence[object] | None, index: int, tail: str) -> str:
        """Return the end of turn in `tail`: what is there as well when something else follows."""
        alone = self._tail(messages[: index + 1], tools, index)
        is_last = index == len(messages) - 1
        try:
            other = self._tail([*messages, self._forms.reply_to(messages[index])], tools, index) if is_last else alone
        except RefusedError:  # nothing may follow
            return self._own(alone)
        shared = self._shared(other, tail)
        rest = self.split(tail[len(shared) :].lstrip())
        if shared == self._own(tail) or not rest or _is_control(rest[0]):
            return shared
        # The template writes a call otherwise where it is the last message.
        if is_last:
            return self._own(alone)
        try:
            asked = self._tail([*messages[: index + 1], *self._forms.shown([ASKED])], tools, index)
        except RefusedError:
            return shared
        return max(shared, self._shared(asked, tail), key=len)

    @cached_property
    def _usual(self) -> tuple[str | None, str | None]:
        """The end of turn of a conversation's last answer, and of an earlier one.

        Empty where the template has none, None where it tells only for the conversation itself.
        """
        try:
            alone = self._tail(self._forms.shown([ASKED, ANSWERED]), None, 1)
            followed = self._tail(self._forms.shown([ASKED, ANSWERED, ASKED]), None, 1)
            asked = self._template.locate(self._forms.shown([ASKED]))
        except RefusedError:
            return None, None
        if shared := self._shared(alone, followed):
            return shared, shared
        if not alone.strip():  # Apertus ends an answer only where a question comes next
            return "", self._own(self._before_header(followed, asked.text[: asked.pieces[0].start]))
        # gpt-oss ends the last answer with another token than those before it.
        last, earlier = next(iter(self.split(alone.strip())), ""), next(iter(self.split(followed.strip())), "")
        first = next(iter(self.split(asked.text.strip())), "")
        return (last, earlier if last and earlier != first else "") if _is_control(last) else ("", "")

    @cached_property
    def _opening(self) -> str | None:
        """What begins turns: the mark that a conversation begins with, where that is one."""
        try:
            units = self.split(self._template.render(self._forms.shown([ASKED])).strip())
        except RefusedError:
            return None
        first = next((unit for unit in units if unit not in self._marks and unit.strip()), "")
        return first if _is_control(first) else None

    def _tail(self, messages: Sequence[Turn], tools: Sequence[object] | None, index: int) -> str:
        rendering = self._template.locate(messages, tools)
        pieces = rendering.of(index)
        if not pieces:
            raise RefusedError(f"the template leaves out message {index}")
        last = pieces[-1].end
        return rendering.text[last : rendering.after(last)]

    def _shared(self, first: str, second: str) -> str:
        """Return the end of turn that both texts begin with."""
        shared: list[str] = []
        for one, other in zip(self.split(first), self.split(second), strict=False):
            if one != other:
                break
            shared.append(one)
        return self._own("".join(shared))

    def _own(self, tail: str) -> str:
        """Return `tail` up to the token that ends every turn, or to the mark that begins one, less the white space."""
        own: list[str] = []
        for unit in self.split(tail):
            if unit == self._opening:
                break
            own.append(unit)
            if unit == self._eos:
                break
        return "".join(own).rstrip()

    def _before_header(self, tail: str, first_header: str) -> str:
        """Return `tail` without what it ends with as the text before a first question does: the question's header."""
        units, header = self.split(tail), self.split(first_header)
        while units and header and units[-1] == header[-1]:
            units.pop()
            header.pop()
        return "".join(units)


def _is_control(unit: str) -> bool:
    return bool(re.fullmatch(r"<\S+>|\[\S+\]", unit))
