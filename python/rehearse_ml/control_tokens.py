"""Control tokens in what messages say: encoded as text, piece by piece, so that no text opens or ends a turn.

Which tokens those are, the tokenizer says: its special ones, and the added ones that a chat template writes or that
look like such. Words that are only added to a vocabulary (Gemma's `<table>` and runs of line breaks) stay the tokens
that they are.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from transformers import PreTrainedTokenizerBase

from .chat_template import RefusedError

Span = tuple[int, int]

STRUCTURE = re.compile(
    r"<[|\uff5c].*>|<.*[|\uff5c]>|\[[|].*[|]\]|\[/?[A-Z_0-9]+\]|</?(\w+:)?think(:\w+)?>|\u25c1/?think\u25b7"
    r"|</?tool_?\w*>|<fim_\w+>|<.*(reserved|unused|extra_id|placeholder|start_of|end_of|SPECIAL_).*>"
)
"""How added tokens look that structure a text, where the tokenizer does not call them special."""

SEPARATOR = "\n"
"""Put before a piece: tokenizers of SentencePiece's kind would put a space there."""


@dataclass(frozen=True)
class Encoded:
    """Token ids, and the characters that each is of."""

    ids: list[int]
    offsets: list[Span]


class ControlTokens:
    """The control tokens of a tokenizer, and texts encoded without those that stand in somebody's words."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        """Ask `tokenizer`, and the literals of its chat template."""
        self._tokenizer = tokenizer
        template = tokenizer.chat_template
        literals = " ".join(template.values()) if isinstance(template, dict) else template or ""
        self._ids = {
            number: token.content
            for number, token in tokenizer.added_tokens_decoder.items()
            if token.special or STRUCTURE.fullmatch(token.content) or _is_written(token.content, literals)
        }
        self._greedy = {
            number: token.content
            for number, token in tokenizer.added_tokens_decoder.items()
            if token.lstrip or token.rstrip
        }
        longest_first = sorted(self._ids.values(), key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, longest_first)) or r"(?!)")
        self._numbers = np.array(sorted(self._ids), dtype=np.int64)

    def written_in(self, strings: Iterable[str]) -> bool:
        """Tell whether one of `strings` holds a control token."""
        return any(self._pattern.search(string) for string in strings)

    def within(self, text: str, texts: Sequence[Span]) -> list[Span]:
        """Return where control tokens are written in the spans `texts` of `text`, which are in order."""
        return [
            (match.start() + start, match.end() + start)
            for start, end in texts
            for match in self._pattern.finditer(text[start:end])
        ]

    def escaped(self, ids: Sequence[int], offsets: Sequence[Span], texts: Sequence[Span]) -> bool:
        """Tell whether a control token stands in the spans `texts` all the same: a tokenizer may rewrite letters."""
        places = [offsets[int(index)] for index in np.flatnonzero(np.isin(np.asarray(ids), self._numbers))]
        return any(start <= first and last <= end for first, last in places for start, end in texts)

    def trimmed(self, text: str, encoded: Encoded) -> Encoded:
        """Return `encoded` with the places of tokens that take the white space around them cut to their letters.

        Phi-3's ends of turns are such: they would reach over the end of the answer that they end.
        """
        if not self._greedy:
            return encoded
        offsets = list(encoded.offsets)
        for index, number in enumerate(encoded.ids):
            content = self._greedy.get(number)
            start, end = offsets[index]
            at = text.find(content, start, end) if content is not None else -1
            if content is not None and at >= 0:
                offsets[index] = (at, at + len(content))
        return Encoded(encoded.ids, offsets)

    def encode(self, text: str, written: Sequence[Span]) -> Encoded:
        """Return the tokens of `text`, in which `written` are the places where control tokens are only text.

        Raises RefusedError where the tokenizer makes one of plain letters all the same.
        """
        ids: list[int] = []
        offsets: list[Span] = []
        at = 0
        for start, end in [*written, (len(text), len(text))]:
            piece = self._as_it_is(text[at:start], begins=at == 0)
            ids += piece.ids
            offsets += [(first + at, last + at) for first, last in piece.offsets]
            letters = self._as_text(text[start:end])
            ids += letters
            offsets += [(start, end)] * len(letters)
            at = end
        return Encoded(ids, offsets)

    def _as_it_is(self, text: str, *, begins: bool) -> Encoded:
        if not text:
            return Encoded([], [])
        if not begins:
            behind = self._encode(SEPARATOR + text)
            first = next((index for index, (start, _) in enumerate(behind.offsets) if start >= len(SEPARATOR)), None)
            if first is not None and all(end <= len(SEPARATOR) for _, end in behind.offsets[:first]):
                return Encoded(behind.ids[first:], [(start - 1, end - 1) for start, end in behind.offsets[first:]])
        return self._encode(text)

    def _encode(self, text: str) -> Encoded:
        encoded = self._tokenizer(text, add_special_tokens=False, return_offsets_mapping=True, truncation=False)
        return Encoded(list(encoded["input_ids"]), [(start, end) for start, end in encoded["offset_mapping"]])

    def _as_text(self, text: str) -> list[int]:
        """Return the tokens of a control token's letters. A first letter apart makes text of any token."""
        if not text:
            return []
        ids: list[int] = []
        for half in (text[:1], text[1:]):
            nested = len(half) > 1 and self._pattern.search(half)
            ids += self._as_text(half) if nested else self._as_it_is(half, begins=False).ids
        if any(number in self._ids for number in ids):
            raise RefusedError(f"the tokenizer makes a control token of the letters of {text}")
        return ids


def _is_written(token: str, literals: str) -> bool:
    return token in literals and not (token.isspace() or token.isalnum())
