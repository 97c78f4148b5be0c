"""Models that think before they answer, under evaluation: whether this one does, and how nonsense is kept out.

Asked for the letter of an answer right behind an open `<think>`, a model says nothing about what it knows; a thought
that is scored as an answer says nothing either. So thoughts are off where the chat template has a switch for it, and
where they are on, lm-evaluation-harness is told what ends one; what can be neither is refused.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from lm_eval.api.model import TemplateLM
from transformers import PreTrainedTokenizerBase

from .chat_template import REFUSALS
from .errors import JobError
from .leaderboard import LEADERBOARD
from .spec import EvaluateTask
from .spec import Thinking as AskedThinking
from .thought_tags import ENDS_OF_TURNS, TAGS, mentions, opens

CHANNELS = "<|channel|>final<|message|>", "assistantfinal"
"""What gpt-oss writes behind its thoughts, and how that reads without its special tokens."""

SWITCHES: tuple[tuple[str, object, object], ...] = (
    ("enable_thinking", False, True),  # Qwen3 and most
    ("thinking", False, True),  # DeepSeek V3.1, Granite, Kimi
    ("enable_reasoning", False, True),
    ("reasoning", False, True),
    ("think", False, True),
    ("reasoning_effort", "none", "high"),
    ("thinking_effort", "none", "high"),
    ("reasoning_strength", "none", "high"),
    ("thinking_budget", 0, -1),  # Seed
)
"""Variables that turn thoughts off and on in chat templates: templates/thinking-switch.ts."""

DECODE = "tok_decode"
POSTPROCESS = "postprocess_generated_text"
"""What lm-evaluation-harness takes an answer out of a text with."""
GENERATIVE = "mmlu_pro_generative instead of mmlu_pro, gpqa_main_cot_zeroshot instead of gpqa"
QUESTION = {"role": "user", "content": "Zq7qZqQuestion"}
ANSWER = {"role": "assistant", "content": "Zq7aZqAnswer"}

Switch = Mapping[str, object]


@dataclass(frozen=True)
class Thinking:
    """How a model is asked. `switch` is what its chat template is told, empty for nothing."""

    switch: Switch = field(default_factory=dict[str, object])
    end: str | None = None
    """Where the model thinks: what comes behind a thought in its text."""
    off_by_request: bool = False
    """Behind a chat API, which renders the template itself: thoughts are to be switched off there."""

    def for_harness(self) -> dict[str, Any]:
        """Return the arguments of lm-evaluation-harness' models that have a tokenizer."""
        others = {name: value for name, value in self.switch.items() if name != "enable_thinking"}
        return {
            **({"enable_thinking": self.switch["enable_thinking"]} if "enable_thinking" in self.switch else {}),
            **({"chat_template_args": others} if others else {}),
            **({} if self.end is None else {"think_end_token": self.end}),
        }


def settle(
    asked: AskedThinking | None, tasks: Sequence[EvaluateTask], tokenizer: PreTrainedTokenizerBase | None
) -> Thinking:
    """Return how a model is asked for `tasks`. `tokenizer` is None behind a chat API.

    Raises JobError `bad_spec` for tasks that would be scored on thoughts.
    """
    if tokenizer is None or not tokenizer.chat_template:
        thinks = asked is not None and asked.mode == "on"
        off = asked is not None and asked.mode == "off" and tokenizer is None
        settled = Thinking(
            end=(asked.end_token if asked else None) or "</think>" if thinks else None, off_by_request=off
        )
    else:
        settled = _settle(asked, tokenizer)
    if settled.end is not None:
        _check_tasks(tasks)
    return settled


def _settle(asked: AskedThinking | None, tokenizer: PreTrainedTokenizerBase) -> Thinking:
    off, on = _switch(tokenizer)
    if asked is not None and asked.mode == "on":
        return Thinking(switch=on, end=asked.end_token or _end(tokenizer))
    if _answers_at_once(tokenizer, off):
        return Thinking(switch=off)
    raise JobError(
        "bad_spec",
        "The model thinks before it answers, and its chat template has no switch against it: its thoughts would be "
        "scored as answers.",
        f"Set evaluate.thinking: {{mode: on}}, with tasks in which it writes ({GENERATIVE}), and maxGenToks with room "
        "for its thoughts.",
    )


def _switch(tokenizer: PreTrainedTokenizerBase) -> tuple[Switch, Switch]:
    """Return what turns thoughts off, and on: nothing where the chat template knows no such variable."""
    source = _source(tokenizer)
    for name, off, on in SWITCHES:
        if isinstance(off, str) and not re.search(f"['\"]{off}['\"]", source):
            continue  # written as it stands, by templates that know no such effort
        without, within = _prompt(tokenizer, {name: off}), _prompt(tokenizer, {name: on})
        if without and within and without != within:
            return {name: off}, {name: on}
    return {}, {}


def _check_tasks(tasks: Sequence[EvaluateTask]) -> None:
    letters = [task.task for task in tasks if _by_likelihood(task.task)]
    if letters:
        raise JobError(
            "bad_spec",
            f"{', '.join(letters)} scores given answers, which a model that thinks does not write at once.",
            f"Use tasks in which it writes ({GENERATIVE}), or set evaluate.thinking: {{mode: off}}.",
        )
    short = [task.task for task in tasks if task.max_gen_toks is None]
    if short:
        raise JobError(
            "bad_spec",
            f"{', '.join(short)} leaves no room for thoughts: its own length of generation is that of an answer.",
            "Set maxGenToks of each task to what thoughts and answer may take together, such as 16384.",
        )


def _by_likelihood(task: str) -> bool:
    if task in LEADERBOARD:
        return LEADERBOARD[task].by_likelihood
    from .task_names import scores_given_answers  # lm-evaluation-harness takes seconds to list its tasks

    return scores_given_answers(task)


def _source(tokenizer: PreTrainedTokenizerBase) -> str:
    template = tokenizer.chat_template
    return "".join(template.values()) if isinstance(template, dict) else str(template)


def _prompt(tokenizer: PreTrainedTokenizerBase, switch: Switch, *, answered: bool = False) -> str:
    messages = [QUESTION, ANSWER] if answered else [QUESTION]
    given: dict[str, Any] = dict(switch)
    try:
        return str(tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=not answered, **given))
    except REFUSALS:
        return ""  # what a template refuses is told by the task


def _answers_at_once(tokenizer: PreTrainedTokenizerBase, switch: Switch) -> bool:
    """Tell whether an answer comes right behind the assistant's header, by how the template shows one that is done.

    It does not where the prompt opens a thought, nor where the template's own system turn asks for one in tags.
    """
    prompt, done = _prompt(tokenizer, switch), _prompt(tokenizer, switch, answered=True)
    told, _, header = prompt.partition(QUESTION["content"])
    if mentions(told) or opens(header):
        return False
    differ = (at for at, (one, other) in enumerate(zip(prompt, done, strict=False)) if one != other)
    shared = next(differ, min(len(prompt), len(done)))
    if prompt[shared:].strip():
        return True
    return not prompt or not done or done[shared:].lstrip().startswith(ANSWER["content"])


def _end(tokenizer: PreTrainedTokenizerBase) -> str:
    text = _source(tokenizer)
    written, said = CHANNELS
    if written in text:
        return said
    named = [close for opening, close in TAGS if opening in text or (close in text and close not in ENDS_OF_TURNS)]
    end = next(iter(named), None)
    if end is None or end in ENDS_OF_TURNS:
        raise JobError(
            "bad_spec",
            "evaluate.thinking is on, but the model's chat template does not tell what ends a thought.",
            "Set evaluate.thinking.endToken to the text that the model writes behind its thoughts.",
        )
    return end


@contextmanager
def only_answers(lm: TemplateLM, library: ModuleType, thinking: Thinking) -> Iterator[None]:
    """Within the block, score nothing of a thought: one that does not end is an empty answer.

    `library` is the module of `lm`'s class, which otherwise takes such a thought for the answer.
    """
    if thinking.end is None:
        yield
        return
    end, names = thinking.end, vars(library)
    original = names[POSTPROCESS]
    separated = getattr(lm, "tokenizer", None) is None  # a chat API may keep thoughts apart itself

    def answer(generation: str, stop: list[str] | str | None, think_end_token: str | None) -> str:
        opened = any(generation.lstrip().startswith(opening) for opening, _ in TAGS)
        if end not in generation and (opened or not separated):
            return ""
        return str(original(generation=generation, stop=stop, think_end_token=think_end_token or end))

    names[POSTPROCESS] = answer
    try:
        with _end_is_seen(lm, end):
            yield
    finally:
        names[POSTPROCESS] = original


@contextmanager
def _end_is_seen(lm: TemplateLM, end: str) -> Iterator[None]:
    """Within the block, decode the end of a thought also where it is a special token, which is skipped otherwise."""
    tokenizer: PreTrainedTokenizerBase | None = getattr(lm, "tokenizer", None)
    decode = getattr(lm, DECODE, None)
    if tokenizer is None or decode is None or end not in _special_tokens(tokenizer):
        yield
        return
    number = tokenizer.convert_tokens_to_ids(end)

    def decoded(tokens: int | Sequence[int], skip_special_tokens: bool = True) -> str:
        if isinstance(tokens, int):
            return str(decode(tokens, skip_special_tokens=skip_special_tokens))
        parts: list[list[int]] = [[]]
        for token in tokens:
            if token == number:
                parts.append([])
            else:
                parts[-1].append(token)
        return end.join(str(decode(part, skip_special_tokens=skip_special_tokens)) for part in parts)

    own = vars(lm).get(DECODE)
    vars(lm)[DECODE] = decoded
    try:
        yield
    finally:
        vars(lm).pop(DECODE) if own is None else vars(lm).update({DECODE: own})


def _special_tokens(tokenizer: PreTrainedTokenizerBase) -> set[str]:
    return {token.content for token in tokenizer.added_tokens_decoder.values() if token.special}
