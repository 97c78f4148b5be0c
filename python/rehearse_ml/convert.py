"""Turn a GGUF file into the directory of safetensors, tokenizer and chat template that training needs."""

import functools
import gc
import os
import shutil
import time
from pathlib import Path
from typing import Any

from . import PROTOCOL
from .errors import JobError
from .job import versions
from .layout import RESULT_FILE
from .protocol import Events, publish, write_json_atomic
from .results import ConvertResult
from .spec import ConvertSpec
from .weights import parameter_count, weights_sha256

GGUF_MAGIC = b"GGUF"
STEPS = 4


def convert(spec: ConvertSpec, events: Events) -> Path:
    """Write the model in `spec.gguf` to `spec.output_dir` and return the path of its result.json.

    The directory appears whole, under its final name, or not at all; one that is there already is kept as it is.
    Raises JobError `weights_not_found` (no such file, or no GGUF), `chat_template` (the GGUF has none) and `bad_spec`
    (the directory holds something else).
    """
    gguf, output = Path(spec.gguf).resolve(), Path(spec.output_dir).resolve()
    if (output / RESULT_FILE).is_file():
        return output / RESULT_FILE
    if output.exists() and any(output.iterdir()):
        raise JobError(
            "bad_spec",
            f"{output} exists and is not a finished conversion.",
            "Use a fresh outputDir, or delete this one.",
        )
    _check_gguf(gguf)
    started = time.monotonic()
    temporary = output.with_name(f".{output.name}.{os.getpid()}.tmp")
    _sweep_leftovers(output)
    try:
        _write(gguf, temporary, events)
        events.progress("verify", 3, STEPS)
        _verify(temporary)
        result: ConvertResult = {
            "protocol": PROTOCOL,
            "kind": "convert",
            "gguf": str(gguf),
            "parameters": parameter_count(temporary),
            "seconds": round(time.monotonic() - started, 3),
            "versions": versions("torch", "transformers", "gguf"),
            "weightsSha256": weights_sha256(temporary),
        }
        write_json_atomic(temporary / RESULT_FILE, result)
        try:
            publish(temporary, output)
        except OSError:
            if not (output / RESULT_FILE).is_file():
                raise
            # Another process converted the same file meanwhile; its work is as good.
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    events.progress("done", STEPS, STEPS)
    return output / RESULT_FILE


def _check_gguf(gguf: Path) -> None:
    hint = "Point gguf to a file in the GGUF format."
    if not gguf.is_file():
        raise JobError("weights_not_found", f"There is no file {gguf}.", hint)
    with gguf.open("rb") as file:
        if file.read(len(GGUF_MAGIC)) != GGUF_MAGIC:
            raise JobError("weights_not_found", f"{gguf} is not a GGUF file.", hint)


def _sweep_leftovers(output: Path) -> None:
    output.parent.mkdir(parents=True, exist_ok=True)
    for leftover in output.parent.glob(f".{output.name}.*.tmp"):
        pid = leftover.name.removesuffix(".tmp").rsplit(".", 1)[-1]
        if not _is_running(int(pid)):
            shutil.rmtree(leftover, ignore_errors=True)


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True  # somebody else's
    return True


def _write(gguf: Path, directory: Path, events: Events) -> None:
    events.progress("load libraries", 0, STEPS)
    import gguf as gguf_package
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    # transformers parses the whole vocabulary again for each of config, model and tokenizer.
    reader: Any = functools.lru_cache(maxsize=1)(gguf_package.GGUFReader)
    gguf_package.GGUFReader = reader
    gguf_package.get_tensor_name_map = functools.lru_cache(gguf_package.get_tensor_name_map)

    events.progress("read tokenizer", 1, STEPS)
    tokenizer = AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name)
    if tokenizer is None or not tokenizer.chat_template:
        raise JobError(
            "chat_template", f"{gguf} carries no chat template.", "Use an instruct model's GGUF, not a base model's."
        )
    events.progress("dequantize", 2, STEPS)
    model = AutoModelForCausalLM.from_pretrained(gguf.parent, gguf_file=gguf.name, dtype=torch.float32)
    # The tensors are plain float32 now; saving must not claim that they are still quantized.
    model.hf_quantizer = None
    if hasattr(model.config, "quantization_config"):
        del model.config.quantization_config
    model.save_pretrained(directory)
    tokenizer.save_pretrained(directory)
    del model
    gc.collect()


def _verify(directory: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM

    from .tokenizer import load_tokenizer

    tokenizer = load_tokenizer(directory)
    model = AutoModelForCausalLM.from_pretrained(directory, dtype=torch.float32)
    prompt = tokenizer.apply_chat_template(
        [{"role": "user", "content": "Hello"}], add_generation_prompt=True, return_dict=True, return_tensors="pt"
    )
    with torch.inference_mode():
        logits = model(**prompt).logits
    if not bool(torch.isfinite(logits).all()):
        raise JobError(
            "weights_not_found", f"{directory} reloads, but computes no finite numbers.", "The GGUF may be damaged."
        )
