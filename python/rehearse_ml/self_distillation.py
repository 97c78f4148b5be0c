"""Self-distillation fine-tuning by TRL: the model that is shown an answer teaches the one that is not.

Shenfeld et al. 2026 (arXiv 2601.19897). The student answers by itself; what it wrote is scored by the weights that the
training began with, which see the row's answer in their prompt; their distribution is what it learns.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import torch
from datasets import Dataset
from transformers import PreTrainedTokenizerBase, Trainer
from trl.experimental.sdft import SDFTConfig, SDFTTrainer

from .chat_template import REFUSALS, Turn, UnrenderableError
from .control_tokens import ControlTokens
from .conversation_file import Conversation, read_conversations
from .errors import JobError
from .faults import located
from .mixture import NAMED, Counts
from .protocol import Events
from .spec import SdftSpec, SftSpec
from .trainers import MakeTrainer, Training, finite, shared_arguments

SHOWN = "Example response: {answer}"
"""How the teacher is shown an answer, behind the question: TRL's own script of the method has these words."""


@dataclass(kw_only=True)
class DistillationRows(Counts):
    """Columns `prompt` (messages, the user's last) and `privileged_context`, and what became of the conversations."""

    dataset: Dataset


def read_self_distillation(
    spec: SftSpec, sdft: SdftSpec, tokenizer: PreTrainedTokenizerBase, events: Events
) -> Training:
    """Read the mixture of `spec` for self-distillation. Raises JobError `bad_data`."""
    rows = distillation_rows(
        Path(spec.mixture), tokenizer, max_length=spec.max_length, max_tokens=sdft.max_tokens, events=events
    )
    return _SelfDistillation(rows, rows.dataset, sdft)


class FiniteSdftTrainer(SDFTTrainer):
    """TRL's trainer, which ends at the first loss that is not a number instead of training on."""

    def training_step(self, *args: object, **kwargs: object) -> torch.Tensor:
        """Return the loss of one batch, which is finite."""
        return finite(super().training_step(*args, **kwargs), self.state.global_step)


@dataclass(frozen=True)
class _SelfDistillation(Training):
    sdft: SdftSpec

    def prepare(self, spec: SftSpec, device: torch.device) -> MakeTrainer:
        arguments = SDFTConfig(
            **shared_arguments(spec, device),
            num_generations=self.sdft.generations,
            max_completion_length=self.sdft.max_tokens,
            temperature=self.sdft.temperature,
            max_prompt_length=None,  # TRL would cut the beginning off; rows that are too long are left out
            teacher_model_kind="base",
        )
        return lambda model, tokenizer, callbacks: FiniteSdftTrainer(
            model=model,
            args=arguments,
            train_dataset=self.dataset,
            processing_class=tokenizer,
            callbacks=callbacks,
        )

    def trained_tokens(self, trainer: Trainer) -> int:
        arguments = trainer.args
        sequences = arguments.per_device_train_batch_size * arguments.gradient_accumulation_steps * arguments.world_size
        total, last = 0.0, 0
        for entry in trainer.state.log_history:
            if "loss" in entry:  # the mean length is over what was sampled since the entry before
                total += float(entry["completions/mean_length"]) * (int(entry["step"]) - last) * sequences
                last = int(entry["step"])
        return round(total)


def distillation_rows(
    path: Path, tokenizer: PreTrainedTokenizerBase, *, max_length: int, max_tokens: int, events: Events
) -> DistillationRows:
    """Read the conversations of `path` as questions and their last answers.

    What the method has no place for is left out, counted and named in the log: functions, turns that are not to be
    learnt from, answers that were cut, and what leaves no room for `max_tokens` within `max_length`. Raises JobError
    `bad_data` where nothing is left.
    """
    control = ControlTokens(tokenizer)
    prompts: list[list[Turn]] = []
    shown: list[str] = []
    counts = Counts()
    done = 0
    for conversation in read_conversations(path):
        done += 1
        try:
            with located(conversation.where):
                prompt, answer = _question_and_answer(conversation, control)
                tokens = _length(tokenizer, [*prompt[:-1], _asked(prompt[-1], answer)], conversation.where)
        except UnrenderableError as error:
            counts.unrenderable[error.reason] += 1
            if counts.unrenderable.total() <= NAMED:
                events.log(f"{conversation.where} is left out: {error.reason}.", level="warning")
            continue
        if tokens + max_tokens > max_length:
            counts.dropped += 1
            continue
        prompts.append(prompt)
        shown.append(SHOWN.format(answer=answer))
        counts.tokens += tokens
    events.progress("tokenize", done, done)
    if not prompts:
        raise JobError(
            "bad_data",
            f"{path} leaves nothing to learn from: of {done} conversations {counts.dropped} leave no room for an "
            f"answer of {max_tokens} tokens within {max_length}, and {counts.unrenderable.total()} have no place in "
            f"self-distillation ({_reasons(counts.unrenderable)}).",
            "Check the mixture, raise maxLength, or lower sdft.maxTokens.",
        )
    if counts.dropped or counts.unrenderable:
        events.log(
            f"Of {done} conversations {counts.dropped} are too long and {counts.unrenderable.total()} have no place in "
            f"self-distillation ({_reasons(counts.unrenderable)}); they are left out.",
            level="warning",
        )
    return DistillationRows(dataset=Dataset.from_dict({"prompt": prompts, "privileged_context": shown}), **vars(counts))


def _question_and_answer(conversation: Conversation, control: ControlTokens) -> tuple[list[Turn], str]:
    where, messages = conversation.where, conversation.messages
    if conversation.tools or any(message["role"] == "tool" or "tool_calls" in message for message in messages):
        raise UnrenderableError(where, "it calls functions")
    last = messages[-1]
    if last["role"] != "assistant" or last.get("train") is False or last.get("weight") == 0:
        raise UnrenderableError(where, "it does not end with an answer to learn from")
    if messages[-2]["role"] != "user":
        raise UnrenderableError(where, "its last answer follows no question")
    if conversation.cut:
        raise UnrenderableError(where, "its answer was cut")
    # TRL renders and tokenises by itself, where such text would become structure.
    if control.written_in(str(message["content"]) for message in messages):
        raise UnrenderableError(where, "a control token is written in it")
    prompt: list[Turn] = [{"role": message["role"], "content": str(message["content"])} for message in messages[:-1]]
    return prompt, str(last["content"])


def _asked(question: Turn, answer: str) -> Turn:
    return {"role": "user", "content": f"{question['content']}\n\n{SHOWN.format(answer=answer)}"}


def _length(tokenizer: PreTrainedTokenizerBase, messages: Sequence[Turn], where: str) -> int:
    """Return the tokens of what the teacher is asked. Raises UnrenderableError for what the chat template refuses."""
    try:
        text = tokenizer.apply_chat_template(
            cast("list[dict[str, str]]", messages), add_generation_prompt=True, tokenize=False
        )
    except REFUSALS as error:
        raise UnrenderableError(where, f"the chat template refuses it: {error}") from error
    return len(tokenizer(cast("str", text), add_special_tokens=False)["input_ids"])


def _reasons(counts: Counter[str]) -> str:
    return "; ".join(f"{count} because {reason}" for reason, count in counts.most_common(NAMED)) or "none"
