"""What a method makes of the mixture, and TRL's trainer for it."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from transformers import PreTrainedModel, PreTrainedTokenizerBase, Trainer, TrainerCallback
from trl import SFTConfig, SFTTrainer

from .adapters import adapter_config
from .layout import CHECKPOINTS_FOLDER
from .mixture import Counts, TokenizedMixture, tokenize_mixture
from .protocol import Events
from .sft_report import nan_loss
from .spec import SftSpec
from .trackers import PROJECT

CHECKPOINTS_KEPT = 2
"""Two, so that a kill in the middle of writing one leaves one."""

MakeTrainer = Callable[[PreTrainedModel, PreTrainedTokenizerBase, list[TrainerCallback]], Trainer]


@dataclass(frozen=True)
class Training(ABC):
    """The rows of a mixture, and how they are learnt from."""

    counts: Counts
    """What became of the conversations."""
    dataset: Dataset

    @abstractmethod
    def prepare(self, spec: SftSpec, device: torch.device) -> MakeTrainer:
        """Make the trainer's arguments, which a model must not be loaded before, and return what makes the trainer."""

    @abstractmethod
    def trained_tokens(self, trainer: Trainer) -> int:
        """Return how many tokens of the rows, or of what was sampled for them, have a loss."""


def read_training(spec: SftSpec, tokenizer: PreTrainedTokenizerBase, events: Events) -> Training:
    """Read the mixture for the method of `spec`. Raises JobError `bad_data` and `chat_template`."""
    if spec.sdft is not None:
        from .self_distillation import read_self_distillation  # TRL warns that it is experimental

        return read_self_distillation(spec, spec.sdft, tokenizer, events)
    if spec.distill is not None:
        from .distillation import read_distillation

        return read_distillation(spec, spec.distill, tokenizer, events)

    def tokenized(path: str, phase: str) -> TokenizedMixture:
        return tokenize_mixture(
            Path(path),
            tokenizer,
            max_length=spec.max_length,
            phase=phase,
            events=events,
            keep_thoughts=spec.thoughts == "keep",
        )

    mixture = tokenized(spec.mixture, "tokenize")
    held_out = tokenized(spec.eval_mixture, "tokenize held-out").dataset if spec.eval_mixture is not None else None
    return _Supervised(mixture, mixture.dataset, held_out)


class FiniteLosses(Trainer):
    """Stands before one of TRL's trainers: it ends at the first loss that is not a number instead of training on."""

    def training_step(
        self, model: torch.nn.Module, inputs: dict[str, Any], num_items_in_batch: torch.Tensor | int | None = None
    ) -> torch.Tensor:
        """Return the loss of one batch. Raises JobError `nan_loss` where it is not finite."""
        loss = super().training_step(model, inputs, num_items_in_batch)
        if not bool(torch.isfinite(loss)):
            raise nan_loss(f"The loss is {loss.item()}", self.state.global_step + 1)
        return loss


class FiniteSftTrainer(FiniteLosses, SFTTrainer):
    """TRL's trainer of supervised fine-tuning."""


@dataclass(frozen=True)
class _Supervised(Training):
    counts: TokenizedMixture
    held_out: Dataset | None

    def prepare(self, spec: SftSpec, device: torch.device) -> MakeTrainer:
        arguments = SFTConfig(
            **shared_arguments(spec, device),
            max_length=spec.max_length,
            packing=spec.packing,
            per_device_eval_batch_size=spec.per_device_batch_size,
            eval_strategy="steps" if self.held_out is not None else "no",
            eval_steps=(spec.eval_steps or spec.save_steps) if self.held_out is not None else None,
            prediction_loss_only=True,
        )
        return lambda model, tokenizer, callbacks: FiniteSftTrainer(
            model=model,
            args=arguments,
            peft_config=adapter_config(spec, model),
            train_dataset=self.dataset,
            eval_dataset=self.held_out,
            processing_class=tokenizer,
            callbacks=callbacks,
        )

    def trained_tokens(self, trainer: Trainer) -> int:
        return self.counts.trained_tokens


def sampled_tokens(trainer: Trainer) -> int:
    """Return the tokens of all answers that a model wrote while it was trained by one of TRL's online trainers."""
    arguments = trainer.args
    sequences = arguments.per_device_train_batch_size * arguments.gradient_accumulation_steps * arguments.world_size
    total, last = 0.0, 0
    for entry in trainer.state.log_history:
        if "loss" in entry:  # the mean length is over what was sampled since the entry before
            total += float(entry["completions/mean_length"]) * (int(entry["step"]) - last) * sequences
            last = int(entry["step"])
    return round(total)


def shared_arguments(spec: SftSpec, device: torch.device) -> dict[str, Any]:
    """Return what all trainers are given."""
    return {
        "output_dir": str(Path(spec.output_dir) / CHECKPOINTS_FOLDER),
        "learning_rate": spec.learning_rate,
        "num_train_epochs": spec.epochs,
        "max_steps": spec.max_steps if spec.max_steps is not None else -1,
        "per_device_train_batch_size": spec.per_device_batch_size,
        "gradient_accumulation_steps": spec.gradient_accumulation,
        "lr_scheduler_type": spec.scheduler,
        "warmup_steps": spec.warmup_ratio,  # transformers reads a number below 1 as a share
        "weight_decay": spec.weight_decay,
        "seed": spec.seed,
        "data_seed": spec.seed,
        "bf16": spec.dtype == "bfloat16" and device.type == "cuda",
        "use_cpu": device.type == "cpu",
        "gradient_checkpointing": spec.gradient_checkpointing,
        "save_strategy": "steps",
        "save_steps": spec.save_steps,
        "save_total_limit": CHECKPOINTS_KEPT,
        "logging_steps": spec.logging_steps,
        "logging_nan_inf_filter": False,  # it would hide a diverged loss behind the last good one
        "report_to": list(spec.report_to),
        "run_name": spec.run_name,
        "project": PROJECT,
        "disable_tqdm": True,
    }
