"""Whether this machine can do what a spec asks, found out before hours are spent."""

import importlib.util
import os
from pathlib import Path
from typing import Literal

import torch

from .errors import JobError
from .protocol import Events
from .ranks import local_rank

TRAINING_BYTES_PER_PARAMETER = 16
"""float32 weight, gradient and the two AdamW moments; activations come on top."""

FROZEN_BYTES_PER_PARAMETER = 4
"""A float32 weight, which the merge needs."""

OSF_BYTES_PER_PARAMETER = 24
"""As for full training, and the float32 weight that is kept beside its factors, and the factors as they were."""

TAUGHT_BYTES_PER_PARAMETER = TRAINING_BYTES_PER_PARAMETER + 4
"""As for full training, and the teacher: the weights as they were."""

BYTES_PER_PARAMETER = {
    "full": TRAINING_BYTES_PER_PARAMETER,
    "frozen": FROZEN_BYTES_PER_PARAMETER,
    "osf": OSF_BYTES_PER_PARAMETER,
    "sdft": TAUGHT_BYTES_PER_PARAMETER,
    "distill": TAUGHT_BYTES_PER_PARAMETER,
}

SMALLEST_BFLOAT16_LEARNING_RATE = 1e-4
"""Below this an AdamW step (about the learning rate per weight) is under half the spacing of bfloat16 numbers at the
usual size of weights (0.02: 1.2e-4 apart), so it is rounded away. Measured at 1e-6: 0.4 % of the weights moved."""


def pick_device(events: Events) -> torch.device:
    """Return the device to use: this process' own GPU where there is a launcher, the first visible one, else the CPU.

    Raises JobError `missing_gpu` when there is an NVIDIA GPU that torch cannot use, rather than fall back to a CPU
    that would take weeks.
    """
    if torch.cuda.is_available():
        if torch.cuda.device_count() > 1 and "LOCAL_RANK" not in os.environ:
            events.log(
                f"{torch.cuda.device_count()} GPUs are visible and one is used; choose it with CUDA_VISIBLE_DEVICES.",
                level="warning",
            )
            os.environ["CUDA_VISIBLE_DEVICES"] = os.environ.get("CUDA_VISIBLE_DEVICES", "0").split(",")[0]
        return torch.device("cuda", local_rank())
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible not in ("", "-1") and (visible is not None or Path("/dev/nvidia0").exists()):
        raise JobError(
            "missing_gpu",
            "A GPU is announced (CUDA_VISIBLE_DEVICES or /dev/nvidia0), but torch cannot use it: "
            f"it was built for CUDA {torch.version.cuda}.",
            "Update the NVIDIA driver, or set CUDA_VISIBLE_DEVICES= (empty) to use the CPU on purpose.",
        )
    return torch.device("cpu")


def check_launched(config: dict[str, object], device: torch.device, name: str) -> None:
    """Refuse to train on fewer GPUs than an accelerate configuration asks of this machine.

    Raises JobError `missing_gpu`.
    """
    if config.get("use_cpu") in (True, "true"):
        return
    wanted = int(str(config.get("num_processes", 1))) // int(str(config.get("num_machines", 1)))
    there = torch.cuda.device_count() if device.type == "cuda" else 0
    if there < wanted:
        raise JobError(
            "missing_gpu",
            f"{name} trains on {wanted} GPU{'' if wanted == 1 else 's'} a machine; this one has {there or 'none'}.",
            "Run the GPU worker on such a machine, or choose another train.accelerate: `cpu` needs none.",
        )


def check_quantization(device: torch.device) -> None:
    """Refuse QLoRA where its kernels are of no use. Raises JobError `missing_gpu` and `missing_package`."""
    if device.type != "cuda":
        raise JobError(
            "missing_gpu",
            "QLoRA (lora.quantize) keeps its frozen weights in 4 bits, which needs a CUDA GPU; there is none here.",
            "Set train.lora.quantize to false for LoRA, which trains on a CPU too, or use a machine with a GPU.",
        )
    if importlib.util.find_spec("bitsandbytes") is None:
        raise JobError(
            "missing_package",
            "QLoRA needs bitsandbytes, which is not installed.",
            "Install python/requirements.lock, which brings it.",
        )


def check_training(
    device: torch.device,
    *,
    parameters: int,
    dtype: str,
    learning_rate: float,
    method: Literal["full", "frozen", "osf", "sdft", "distill"] = "full",
) -> None:
    """Refuse a training that this machine cannot do, or whose steps would be lost.

    On a GPU, `bfloat16` means float32 weights computed with under autocast; on a CPU it means bfloat16 weights. With
    frozen weights the trained adapters are float32 on both, and only 4 bytes a parameter are counted;
    OSF is float32 too.
    Raises JobError `dtype_refused` and `missing_gpu`.
    """
    if (
        method in ("full", "sdft", "distill")
        and dtype == "bfloat16"
        and device.type == "cpu"
        and learning_rate < SMALLEST_BFLOAT16_LEARNING_RATE
    ):
        raise JobError(
            "dtype_refused",
            f"On a CPU bfloat16 means bfloat16 weights, and at learning rate {learning_rate:g} almost every step on "
            "them is rounded away: the model would not learn.",
            "Use float32 (or a GPU, where bfloat16 keeps float32 weights).",
        )
    if dtype == "bfloat16" and device.type == "cuda" and not torch.cuda.is_bf16_supported(including_emulation=False):
        raise JobError(
            "dtype_refused",
            "This GPU cannot compute in bfloat16.",
            "Use float32, or a GPU of the Ampere line or later.",
        )
    needed = parameters * BYTES_PER_PARAMETER[method]
    if device.type == "cpu" and needed > _memory_bytes():
        raise JobError(
            "missing_gpu",
            f"Training {parameters / 1e9:.1f}e9 parameters takes {needed / 1e9:.0f} GB and more; this machine has no "
            f"GPU and {_memory_bytes() / 1e9:.0f} GB of memory.",
            "Run the job on a machine with a GPU, or train a smaller model.",
        )


def _memory_bytes() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
