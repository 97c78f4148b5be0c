"""The model to train: whole; frozen with low-rank adapters (LoRA), perhaps quantised (QLoRA); or partly kept (OSF)."""

import gc
import tempfile
from pathlib import Path

import torch
from peft import LoraConfig, OSFConfig, PeftModel, prepare_model_for_kbit_training
from transformers import AutoModelForCausalLM, BitsAndBytesConfig, PreTrainedModel

from .errors import JobError
from .ranks import local_rank
from .spec import SftSpec

StateDict = dict[str, torch.Tensor]


def load_for_training(spec: SftSpec, weights: Path, device: torch.device) -> PreTrainedModel:
    """Return the model at `weights`, in the type that `spec` trains it in.

    What is trained stays float32, on which small steps add up; only weights that are frozen are kept in less.
    """
    on_gpu = device.type == "cuda"
    frozen = spec.lora is not None
    # OSF trains parts of the very matrices, of which bfloat16 has no singular value decomposition.
    half = spec.dtype == "bfloat16" and (frozen or not on_gpu) and spec.osf is None
    dtype = torch.bfloat16 if half else torch.float32
    if spec.lora is None or not spec.lora.quantize:
        return AutoModelForCausalLM.from_pretrained(weights, dtype=dtype)
    model = AutoModelForCausalLM.from_pretrained(
        weights, dtype=dtype, quantization_config=quantization(dtype), device_map={"": local_rank()} if on_gpu else None
    )
    return prepare_model_for_kbit_training(model, use_gradient_checkpointing=spec.gradient_checkpointing)


def quantization(dtype: torch.dtype) -> BitsAndBytesConfig:
    """Return QLoRA's own setting: NF4 with quantised constants, some 4.13 bits a weight, computing in `dtype`."""
    return BitsAndBytesConfig(
        load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=True, bnb_4bit_compute_dtype=dtype
    )


def adapter_config(spec: SftSpec, model: PreTrainedModel) -> LoraConfig | OSFConfig | None:
    """Return what peft makes of the layers; None for full fine-tuning.

    Raises JobError `bad_spec` for targets that `model` has no layer of.
    """
    if spec.osf is not None:
        _check_targets("osf", spec.osf.targets, model)
        return OSFConfig(
            task_type="CAUSAL_LM",
            effective_rank=spec.osf.effective_rank,
            target_modules=spec.osf.targets if spec.osf.targets is not None else "all-linear",
        )
    lora = spec.lora
    if lora is None:
        return None
    _check_targets("lora", lora.targets, model)
    return LoraConfig(
        task_type="CAUSAL_LM",
        r=lora.rank,
        lora_alpha=lora.alpha,
        lora_dropout=lora.dropout,
        target_modules=lora.targets if lora.targets is not None else "all-linear",
    )


def _check_targets(field: str, targets: list[str] | None, model: PreTrainedModel) -> None:
    layers = {name.rsplit(".", 1)[-1] for name, module in model.named_modules() if isinstance(module, torch.nn.Linear)}
    unknown = [target for target in targets or [] if target not in layers]
    if unknown:
        raise JobError(
            "bad_spec",
            f"{field}.targets names {', '.join(unknown)}, of which the model has no linear layer.",
            f"Choose from {', '.join(sorted(layers))}, or leave {field}.targets out for all.",
        )


def merged(model: PeftModel, adapters: StateDict, weights: Path, scratch: Path) -> PreTrainedModel:
    """Return the model at `weights` in float32 with the trained adapters of `model` added to its weights.

    The sum is taken with the original weights, not with the quantised or rounded ones that were trained on: those are
    an approximation of them. Needs 4 bytes a parameter of host memory. `adapters` is the gathered state of `model`.
    """
    with tempfile.TemporaryDirectory(dir=scratch, prefix=".adapter-") as folder:
        model.save_pretrained(folder, state_dict=adapters)
        gc.collect()
        base = AutoModelForCausalLM.from_pretrained(weights, dtype=torch.float32)
        return PeftModel.from_pretrained(base, folder).merge_and_unload()
