"""On-policy distillation by TRL: a model that has learned something new is taught again what it was before.

Agarwal et al. 2024 (arXiv 2306.13649), and Thinking Machines (2025), who give a model its manners back so after it was
trained on new data: the trained model answers the questions, and its answers are scored, token by token, by the weights
that the training began with.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, PreTrainedTokenizerBase, Trainer
from trl import DistillationConfig, DistillationTrainer

from .chat_template import Turn
from .control_tokens import ControlTokens
from .conversation_file import Conversation
from .errors import JobError
from .prompt_rows import PromptRows, Room, Row, prompt_rows, question
from .protocol import Events
from .spec import DistillSpec, SftSpec
from .trainers import FiniteLosses, MakeTrainer, Training, sampled_tokens, shared_arguments
from .weights import resolve_weights

REVERSE_KL = 1.0
"""TRL's `beta`: the student is held to what the teacher would write, not to all that it might."""


def read_distillation(
    spec: SftSpec, distill: DistillSpec, tokenizer: PreTrainedTokenizerBase, events: Events
) -> Training:
    """Read the questions of `spec`. Raises JobError `bad_data` and `bad_spec`."""
    if spec.prompts is None:
        raise JobError("bad_spec", "distill has no questions.", "Name a file of conversations as `prompts`.")
    room = Room(spec.max_length, distill.max_tokens, "distill")
    rows = question_rows(Path(spec.prompts), tokenizer, room, events)
    return _Distillation(rows, rows.dataset, distill, resolve_weights(spec.weights, spec.revision))


def question_rows(path: Path, tokenizer: PreTrainedTokenizerBase, room: Room, events: Events) -> PromptRows:
    """Read the conversations of `path` as their last questions; what was answered to them is not looked at."""
    control = ControlTokens(tokenizer)

    def row_of(conversation: Conversation) -> tuple[Row, Sequence[Turn]]:
        prompt = question(conversation, control)
        return {"prompt": prompt}, prompt

    return prompt_rows(path, row_of, tokenizer, room, events)


class FiniteDistillationTrainer(FiniteLosses, DistillationTrainer):
    """TRL's trainer of distillation."""


@dataclass(frozen=True)
class _Distillation(Training):
    distill: DistillSpec
    teacher: Path

    def prepare(self, spec: SftSpec, device: torch.device) -> MakeTrainer:
        own = {"learning_rate": self.distill.learning_rate, "epochs": self.distill.epochs}
        pace = spec.model_copy(update={**own, "max_steps": self.distill.max_steps})
        arguments = DistillationConfig(
            **shared_arguments(pace, device),
            max_completion_length=self.distill.max_tokens,
            temperature=self.distill.temperature,
            beta=REVERSE_KL,
        )
        # On a GPU its sums are taken under autocast, as the student's.
        return lambda model, tokenizer, callbacks: FiniteDistillationTrainer(
            model=model,
            teacher_model=AutoModelForCausalLM.from_pretrained(self.teacher, dtype=torch.float32),
            args=arguments,
            train_dataset=self.dataset,
            processing_class=tokenizer,
            callbacks=callbacks,
        )

    def trained_tokens(self, trainer: Trainer) -> int:
        return sampled_tokens(trainer)
