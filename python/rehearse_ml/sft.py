"""Fine-tuning with TRL, by any of the methods: resumable to the last digit."""

import gc
import json
import shutil
import time
from pathlib import Path
from typing import Literal, cast

import datasets
import torch
import transformers
from peft import PeftModel
from transformers import PreTrainedModel, Trainer

from . import PROTOCOL
from .adapters import StateDict, load_for_training, merged
from .checkpoints import newest_complete
from .errors import JobError
from .hardware import check_launched, check_quantization, check_training, pick_device
from .job import Interruption, file_sha256, run_once, versions
from .launch import rank, read_config
from .layout import CHECKPOINT_FOLDER, CHECKPOINTS_FOLDER, LEARNING_FOLDER
from .protocol import Events, JsonValue, publish
from .ranks import all_here, how_many
from .results import SftResult
from .sft_report import SftReport, nan_loss
from .spec import SftSpec
from .tokenizer import check_tokenizer, load_tokenizer
from .trackers import check_packages, prepare_environment
from .trainers import Training, read_training
from .two_trainings import one_after_another
from .weights import parameter_count, resolve_weights, weights_sha256


def sft(spec: SftSpec, events: Events, interruption: Interruption, *, tell_checkpoints: bool = True) -> Path:
    """Train as `spec` says and return the path of result.json.

    A run that was killed or interrupted goes on from its newest complete checkpoint in `outputDir/checkpoints`, with
    the losses that an undisturbed run would have had; a finished one whose checkpoint is there returns at once.
    `tell_checkpoints`: whether events name checkpoints, from which another machine could go on. Raises JobError.
    """
    weights = resolve_weights(spec.weights, spec.revision)
    mixtures = {name: path for name, path in (("mixture", spec.mixture), ("evalMixture", spec.eval_mixture)) if path}
    if spec.prompts is not None:
        mixtures["prompts"] = spec.prompts
    identity: dict[str, JsonValue] = {**spec.identity(), "weights": weights_sha256(weights)}
    identity |= {name: file_sha256(Path(path)) for name, path in mixtures.items()}
    if spec.accelerate is not None:
        identity["accelerate"] = file_sha256(Path(spec.accelerate))

    learning = Path(spec.output_dir) / LEARNING_FOLDER

    def work() -> SftResult:
        first = _learn(spec, learning, events, interruption) if spec.distill is not None else None
        start = weights if first is None else Path(first["checkpointDir"])
        result = _train(spec, start, events, interruption, tell_checkpoints=tell_checkpoints)
        assert result is not None  # only on ranks other than 0
        return result if first is None else one_after_another(first, result)

    path = run_once(
        Path(spec.output_dir),
        identity,
        work,
        intact=lambda result: (Path(str(result["checkpointDir"])) / "config.json").is_file(),
    )
    shutil.rmtree(learning, ignore_errors=True)
    return path


def _learn(spec: SftSpec, folder: Path, events: Events, interruption: Interruption) -> SftResult:
    """Train on the mixture before anything is distilled: a training of its own, which a resumption finds finished."""
    first = spec.model_copy(
        update={
            "distill": None,
            "prompts": None,
            "output_dir": str(folder),
            "run_name": f"{spec.run_name} before distillation" if spec.run_name is not None else None,
        }
    )
    path = sft(first, events, interruption, tell_checkpoints=False)
    gc.collect()  # its model and optimizer
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    return cast("SftResult", json.loads(path.read_text(encoding="utf-8")))


def follow(spec: SftSpec, events: Events, interruption: Interruption) -> None:
    """Do the part of a launched training that is not its first process': train along, write no result."""
    _train(spec, resolve_weights(spec.weights, spec.revision), events, interruption)


def _train(
    spec: SftSpec, weights: Path, events: Events, interruption: Interruption, *, tell_checkpoints: bool = True
) -> SftResult | None:
    started = time.monotonic()
    output = Path(spec.output_dir)
    device = pick_device(events)
    if spec.accelerate is not None:
        config = read_config(Path(spec.accelerate))
        check_launched(config, device, Path(spec.accelerate).name)
        if config.get("use_cpu") in (True, "true"):
            device = torch.device("cpu")
    check_packages(spec.report_to)
    prepare_environment(spec.report_to, output)
    if spec.lora is not None and spec.lora.quantize:
        check_quantization(device)
    check_training(
        device,
        parameters=parameter_count(weights),
        dtype=spec.dtype,
        learning_rate=spec.learning_rate,
        method=_method(spec),
    )
    if spec.threads is not None:
        torch.set_num_threads(spec.threads)
    transformers.logging.disable_progress_bar()
    datasets.disable_progress_bars()

    tokenizer = load_tokenizer(weights)
    check_tokenizer(tokenizer, weights)

    training = read_training(spec, tokenizer, events)

    # Made before the model is loaded: FSDP and ZeRO-3 then load it on one process only, or in parts.
    make_trainer = training.prepare(spec, device)
    events.progress("load model", 0, 1)
    model = load_for_training(spec, weights, device)
    events.progress("load model", 1, 1)
    trainer = make_trainer(model, tokenizer, [SftReport(events, interruption, tell_checkpoints=tell_checkpoints)])
    trainer.remove_callback(transformers.PrinterCallback)
    resume_from = _resume_from(output / CHECKPOINTS_FOLDER, events)
    if resume_from is not None:
        events.log(f"Resuming from {resume_from}.")
    # A half-done optimizer step cannot be saved, so the trainer is left to reach the end of it.
    with interruption.deferred():
        trainer.train(resume_from_checkpoint=str(resume_from) if resume_from is not None else None)
        if trainer.state.global_step < trainer.state.max_steps:
            interruption.check()
            raise JobError(
                "internal",
                f"The trainer stopped at step {trainer.state.global_step} of {trainer.state.max_steps}.",
                "Run the job again; it resumes.",
            )
        events.progress("save", 0, 1)
        state = trainer.accelerator.get_state_dict(trainer.model_wrapped)  # of all processes, gathered
        checkpoint = output / CHECKPOINT_FOLDER
        if rank() == 0:
            _save_final(trainer, state, weights, checkpoint)
            # Only needed to resume, and three times as large as the model.
            shutil.rmtree(output / CHECKPOINTS_FOLDER, ignore_errors=True)
        events.progress("save", 1, 1)
        all_here()
        if rank() > 0:
            return None
    return _result(trainer, training, checkpoint, time.monotonic() - started)


def _method(spec: SftSpec) -> Literal["full", "frozen", "osf", "sdft", "distill"]:
    if spec.lora is not None:
        return "frozen"
    return "osf" if spec.osf else "sdft" if spec.sdft else "distill" if spec.distill else "full"


def _resume_from(folder: Path, events: Events) -> Path | None:
    found = newest_complete(folder, events) if rank() == 0 else None
    all_here()  # what must not be taken is gone now
    return found if rank() == 0 else newest_complete(folder, events, verify=False)


def _save_final(trainer: Trainer, state: StateDict, weights: Path, final: Path) -> None:
    broken = [name for name, tensor in state.items() if not bool(torch.isfinite(tensor).all())]
    if broken:
        raise nan_loss(f"{len(broken)} tensors are not finite ({broken[0]} first)", trainer.state.global_step)
    temporary = final.with_name(f".{final.name}.tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    shutil.rmtree(final, ignore_errors=True)
    model = cast("PreTrainedModel | PeftModel", trainer.accelerator.unwrap_model(trainer.model))
    if isinstance(model, PeftModel):
        merged(model, state, weights, final.parent).save_pretrained(temporary)
    else:
        # Gathered from shards, a tied weight is two tensors of the same content.
        tied = {copy for copy, source in model.all_tied_weights_keys.items() if source in state}
        own = {name: tensor for name, tensor in state.items() if name not in tied}
        model.save_pretrained(temporary, state_dict=own)
    # The model's own, not the trainer's copy: TRL sets a padding token on that one.
    load_tokenizer(weights).save_pretrained(temporary)
    publish(temporary, final)


def _result(trainer: Trainer, training: Training, checkpoint: Path, seconds: float) -> SftResult:
    history, counts = trainer.state.log_history, training.counts
    return {
        "protocol": PROTOCOL,
        "kind": "sft",
        "checkpointDir": str(checkpoint),
        "processes": how_many(),
        "steps": trainer.state.global_step,
        "examples": len(training.dataset),
        "tokens": counts.tokens,
        "trainedTokens": training.trained_tokens(trainer),
        "truncated": counts.truncated,
        "dropped": counts.dropped,
        "unrenderable": dict(counts.unrenderable),
        "controlTexts": counts.control_texts,
        "thoughtsKept": counts.thoughts_kept,
        "thoughtsLeftOut": counts.thoughts_left_out,
        "lossCurve": [
            {
                "step": int(entry["step"]),
                "loss": float(entry["loss"]),
                "learningRate": float(entry["learning_rate"]),
                "gradNorm": float(entry["grad_norm"]) if "grad_norm" in entry else None,
            }
            for entry in history
            if "loss" in entry
        ],
        "evalCurve": [
            {"step": int(entry["step"]), "loss": float(entry["eval_loss"])} for entry in history if "eval_loss" in entry
        ],
        "seconds": round(seconds, 3),
        "versions": versions("torch", "transformers", "trl"),
        "weightsSha256": weights_sha256(checkpoint),
    }
