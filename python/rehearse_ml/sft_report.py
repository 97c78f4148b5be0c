"""What a training run tells its caller, and how it ends when told to stop."""

import math
import time
from pathlib import Path

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from .checkpoints import mark_complete
from .errors import JobError
from .job import Interruption
from .launch import rank
from .layout import checkpoint_name
from .protocol import Events
from .ranks import all_here, any_rank

PHASE = "train"


class SftReport(TrainerCallback):
    """Emits progress and checkpoint events, marks checkpoints complete, and stops the training on an interruption."""

    def __init__(self, events: Events, interruption: Interruption, *, tell_checkpoints: bool = True) -> None:
        """Report to `events`, perhaps without checkpoints; ask `interruption` after each step."""
        self._tell_checkpoints = tell_checkpoints
        self._events = events
        self._interruption = interruption
        self._started = 0.0
        self._first_step = 0

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: object
    ) -> None:
        """Start the clock: rates are of this process, not of the one that it resumes."""
        self._started, self._first_step = time.monotonic(), state.global_step
        self._events.progress(PHASE, state.global_step, state.max_steps)

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: object
    ) -> None:
        """Have the trainer save and stop when the job was told to, all its processes at the same step."""
        if any_rank(self._interruption.requested, args.device):
            control.should_training_stop = True
            control.should_save = state.global_step < state.max_steps

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        *,
        logs: dict[str, float] | None = None,
        **kwargs: object,
    ) -> None:
        """Report a step; raise JobError `nan_loss` for a gradient that is not finite."""
        if logs is None or "loss" not in logs:
            return
        if not math.isfinite(float(logs.get("grad_norm", 0.0))):
            raise nan_loss(f"The gradient's norm is {logs['grad_norm']}", state.global_step)
        seconds = max(time.monotonic() - self._started, 1e-9)
        steps = max(state.global_step - self._first_step, 1)
        self._events.progress(
            PHASE,
            state.global_step,
            state.max_steps,
            loss=float(logs["loss"]),
            learningRate=float(logs["learning_rate"]),
            gradNorm=float(logs["grad_norm"]) if "grad_norm" in logs else None,
            tokensPerSecond=round(float(logs.get("num_tokens", 0)) / seconds, 1),
            etaSeconds=round((state.max_steps - state.global_step) * seconds / steps, 1),
        )

    def on_save(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: object) -> None:
        """Mark the checkpoint that was just written, so that a resumption can trust it."""
        all_here()  # each process writes its part
        if rank() == 0:
            checkpoint = Path(str(args.output_dir)) / checkpoint_name(state.global_step)
            mark_complete(checkpoint, state.global_step)
            if self._tell_checkpoints:
                self._events.checkpoint(state.global_step, checkpoint)


def nan_loss(what: str, step: int) -> JobError:
    """Return the error for numbers that are not finite at `step`."""
    return JobError(
        "nan_loss",
        f"{what} at step {step}: the training has diverged.",
        "Lower learningRate, raise warmupRatio, or look for broken conversations in the mixture.",
    )
