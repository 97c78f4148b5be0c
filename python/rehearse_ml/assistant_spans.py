"""Which characters of a rendered conversation the assistant wrote, and which are only text.

The loss is taken on the first only: an answer and the end of turn that belongs to it, the thoughts before it where the
conversation has them, a call of a function with all that the model writes around it. They follow from the chat template
alone, by rendering: what is a message's own is found by its marks (see `chat_template`), and what the template puts
between two messages is told apart by rendering the conversation without what comes next, or with something else there.
So no header is trained, no line break behind an end, and no empty thought that the template puts before an answer that
has none.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from transformers import PreTrainedTokenizerBase

from .chat_template import ChatTemplate, RefusedError, Rendering, Turn, UnrenderableError
from .conversations import Message as Message
from .message_forms import MessageForms, function_names
from .thoughts import Thoughts
from .turn_ends import ANSWERED, ASKED, TurnEnds

Span = tuple[int, int]


@dataclass(frozen=True)
class Spans:
    """A rendered conversation: what the assistant wrote in it, and what is text and no structure."""

    text: str
    trained: list[Span]
    """Each answer that is to be learned, with its end of turn, in order."""
    texts: list[Span]
    """What messages say, whoever wrote it, in order."""
    thoughts_kept: int
    """Answers that are trained with their thoughts."""
    thoughts_left_out: int
    """Answers that had thoughts, and are trained without."""


class AssistantSpans:
    """Renders conversations with a tokenizer's own chat template and finds what the assistant wrote in them."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase, *, keep_thoughts: bool = False) -> None:
        """Raise JobError `chat_template` when `tokenizer` has no chat template."""
        self._template = ChatTemplate(tokenizer)
        self._forms = MessageForms(self._template)
        self._thoughts = Thoughts(self._template, self._forms, keep=keep_thoughts)
        self._turn_ends = TurnEnds(tokenizer, self._template, self._forms)

    def render(self, messages: Sequence[Turn], where: str, *, cut: bool = False) -> tuple[str, list[Span]]:
        """Return the rendered conversation and the character spans of the assistant's turns in it, as `find` does."""
        found = self.find(messages, where, cut=cut)
        return found.text, found.trained

    def find(
        self, messages: Sequence[Turn], where: str, *, cut: bool = False, tools: Sequence[object] | None = None
    ) -> Spans:
        """Return the rendered conversation and what in it is to be learned.

        Each span holds one answer and its end of turn; where the last answer was `cut` at a token limit, its span ends
        with its text, since the end that the template puts there was never written. A message with `weight: 0` or
        `train: false` has none. `where` names the conversation in errors. Raises UnrenderableError when the template
        refuses the conversation, leaves out a part of it or changes what the assistant wrote.
        """
        try:
            return self._find(messages, cut, tools)
        except RefusedError as error:
            raise UnrenderableError(where, str(error)) from error

    def _find(self, messages: Sequence[Turn], cut: bool, tools: Sequence[object] | None) -> Spans:
        own = [self._thoughts.apply(message) for message in messages]
        shown, rendering = self._forms.locate([message for message, _ in own], tools)
        _check(shown, tools, rendering)
        trained: list[Span] = []
        kept = 0
        for index, message in enumerate(messages):
            if message["role"] != "assistant" or not is_trained(message):
                continue
            cut_here = cut and index == len(messages) - 1
            content = rendering.of(index, "content")
            if not content and (cut_here or not rendering.of(index, "tool_calls")):
                continue  # a thought alone is no answer
            thought = bool(rendering.of(index, "reasoning_content"))
            kept += thought
            start = self._start(shown, tools, rendering, index)
            end = content[-1].end if cut_here else self._turn_ends.end(shown, tools, rendering, index)
            trained.append((start, end))
        return Spans(
            text=rendering.text,
            trained=trained,
            texts=[(piece.start, piece.end) for piece in rendering.pieces],
            thoughts_kept=kept,
            thoughts_left_out=sum(had and is_trained(message) for message, had in own) - kept,
        )

    def _start(self, messages: Sequence[Turn], tools: Sequence[object] | None, rendering: Rendering, index: int) -> int:
        content = rendering.of(index, "content")
        if content and not rendering.of(index, "reasoning_content"):
            first = content[0].start
            return first - self._kept_space(messages, tools, rendering, index, first)
        # What the model writes begins where the template has it speak, but for an empty thought put in its mouth.
        first = rendering.of(index)[0].start
        region = rendering.text[rendering.before(first) : first]
        at = self._speaks_at(region, messages[:index], tools)
        if not rendering.of(index, "reasoning_content"):
            put = next((each for each in self._put_before_answers if each and region.startswith(each, at)), "")
            at += len(put)
        return first - len(region) + at

    def _kept_space(
        self,
        messages: Sequence[Turn],
        tools: Sequence[object] | None,
        rendering: Rendering,
        index: int,
        first: int,
    ) -> int:
        """Return how much of the white space before an answer the template keeps."""
        content = messages[index].get("content")
        if not isinstance(content, str) or not content[:1].isspace():
            return 0
        bare = [*messages[:index], {**messages[index], "content": content.lstrip()}, *messages[index + 1 :]]
        kept = len(rendering.text) - len(self._template.render(bare, tools))
        space = content[: len(content) - len(content.lstrip())]
        return kept if kept > 0 and rendering.text[:first].endswith(space[-kept:]) else 0

    def _speaks_at(self, region: str, before: Sequence[Turn], tools: Sequence[object] | None) -> int:
        """Return where in `region`, which ends where an answer begins, the model takes over from the template."""
        prompt = self._template.locate(before, tools, to_speak=True)
        last = max((piece.end for piece in prompt.pieces), default=0)
        header = self._turn_ends.split(prompt.text[last:])
        # A template may have the model think at once, or write the header of an earlier turn otherwise.
        for count in range(len(header), 0, -1):
            begun = "".join(header[:count])
            if (at := region.rfind(begun)) >= 0:
                return at + len(begun)
        raise RefusedError("what the assistant wrote cannot be told apart from its header")

    @cached_property
    def _put_before_answers(self) -> list[str]:
        """What the template writes between where the model speaks and an answer without thoughts, longest first."""
        put = set()
        for conversation in ([ASKED, ANSWERED], [ASKED, ANSWERED, ASKED]):
            try:
                rendering = self._template.locate(self._forms.shown(conversation))
            except RefusedError:
                continue
            first = rendering.of(1)[0].start
            region = rendering.text[rendering.before(first) : first]
            put.add(region[self._speaks_at(region, self._forms.shown([ASKED]), None) :])
        return sorted(put, key=len, reverse=True)


def _check(messages: Sequence[Turn], tools: Sequence[object] | None, rendering: Rendering) -> None:
    """Raise RefusedError where something is missing in the text, or an answer is another one there."""
    for index, message in enumerate(messages):
        role = message["role"]
        for field in ("content", "tool_calls"):
            if (index, field) in rendering.lost:
                raise RefusedError(f"the template leaves out or changes the {field} of message {index} ({role})")
        said = [(rendering.text[piece.start : piece.end], piece.text) for piece in rendering.of(index, "content")]
        if role == "assistant" and any(shown != own for shown, own in said):
            raise RefusedError(
                f"the template changes the text of an answer (message {index}), so where it ends is not known"
            )
    for name in function_names(tools):
        if name not in rendering.text:
            raise RefusedError(f"the template does not write the functions that may be called ({name})")


def is_trained(message: Turn) -> bool:
    """Tell whether an answer is to be learned: not with OpenAI's `weight: 0`, nor with `train: false`."""
    weight = message.get("weight")
    return message.get("train") is not False and not (isinstance(weight, int | float) and weight == 0)
