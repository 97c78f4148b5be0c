"""Self-distillation fine-tuning by TRL: the model that is shown an answer teaches the one that is not.

Shenfeld et al. 2026 (arXiv 2601.19897). The student answers by itself; what it wrote is scored by the weights that the
training began with, which see the row's answer in their prompt; their distribution is what it learns.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from transformers import PreTrainedTokenizerBase, Trainer
from trl.experimental.sdft import SDFTConfig, SDFTTrainer

from .chat_template import Turn, UnrenderableError
from .control_tokens import ControlTokens
from .conversation_file import Conversation
from .prompt_rows import PromptRows, Room, Row, prompt_rows, question
from .protocol import Events
from .spec import SdftSpec, SftSpec
from .trainers import FiniteLosses, MakeTrainer, Training, sampled_tokens, shared_arguments

SHOWN = "Example response: {answer}"
"""How the teacher is shown an answer, behind the question: TRL's own script of the method has these words."""


def read_self_distillation(
    spec: SftSpec, sdft: SdftSpec, tokenizer: PreTrainedTokenizerBase, events: Events
) -> Training:
    """Read the mixture of `spec` for self-distillation. Raises JobError `bad_data`."""
    room = Room(spec.max_length, sdft.max_tokens, "sdft")
    rows = self_distillation_rows(Path(spec.mixture), tokenizer, room, events)
    return _SelfDistillation(rows, rows.dataset, sdft)


class FiniteSdftTrainer(FiniteLosses, SDFTTrainer):
    """TRL's trainer of self-distillation."""


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
        return sampled_tokens(trainer)


def self_distillation_rows(path: Path, tokenizer: PreTrainedTokenizerBase, room: Room, events: Events) -> PromptRows:
    """Read the conversations of `path` as questions and, in the column `privileged_context`, their last answers.

    What the method has no place for is left out: functions, turns that are not to be learnt from, answers that were
    cut, and what leaves no room where the answer is shown. Raises JobError `bad_data` where nothing is left.
    """
    control = ControlTokens(tokenizer)

    def row_of(conversation: Conversation) -> tuple[Row, Sequence[Turn]]:
        prompt = question(conversation, control)
        last = conversation.messages[-1]
        if last.get("train") is False or last.get("weight") == 0:
            raise UnrenderableError(conversation.where, "it does not end with an answer to learn from")
        if conversation.cut:
            raise UnrenderableError(conversation.where, "its answer was cut")
        shown = SHOWN.format(answer=str(last["content"]))
        asked: Turn = {"role": "user", "content": f"{prompt[-1]['content']}\n\n{shown}"}
        return {"prompt": prompt, "privileged_context": shown}, [*prompt[:-1], asked]

    return prompt_rows(path, row_of, tokenizer, room, events)
