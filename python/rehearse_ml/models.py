"""The model under test, by lm-evaluation-harness' own classes: in this process, in vLLM's engine, or behind an API."""

import importlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, assert_never

import torch
from lm_eval.api.model import TemplateLM

from .errors import JobError, causes
from .spec import Endpoint, EvaluateSpec
from .thinking import Thinking

OTHER_SEED = 1234
"""lm-evaluation-harness' own default for numpy, torch and the few-shot sampler."""

VLLM_REQUESTS = 512
"""Requests handed to vLLM at once: enough to keep a GPU full; what is done of them is kept only when all are."""

REFUSALS = (400, 401, 402, 403, 404, 405, 413, 422)


def load_model(spec: EvaluateSpec, weights: Path | None, device: torch.device | None, thinking: Thinking) -> TemplateLM:
    """Return the model of `spec`. `weights` is None only behind a chat API, `device` None behind any API.

    Raises JobError `backend_missing` where vLLM is not installed, `bad_spec` for an API key that is not there.
    """
    if spec.endpoint is not None:
        return _behind_api(spec.endpoint, weights, thinking, concurrency=spec.batch_size)
    if weights is None or device is None:
        raise JobError("bad_spec", "Without an endpoint there must be weights.", "Name the weights.")
    match spec.backend:
        case "vllm":
            return _in_vllm(spec, weights, thinking)
        case "transformers":
            return _here(spec, weights, device, thinking)
        case _:
            assert_never(spec.backend)


def _here(spec: EvaluateSpec, weights: Path, device: torch.device, thinking: Thinking) -> TemplateLM:
    huggingface = importlib.import_module("lm_eval.models.huggingface")
    return huggingface.HFLM(
        pretrained=str(weights),
        dtype=spec.dtype,
        device=str(device),
        batch_size=spec.batch_size,
        trust_remote_code=False,
        **thinking.for_harness(),
    )


def _in_vllm(spec: EvaluateSpec, weights: Path, thinking: Thinking) -> TemplateLM:
    try:
        vllm = importlib.import_module("lm_eval.models.vllm_causallms")
    except ImportError as error:
        raise JobError(
            "backend_missing",
            f"evaluate.backend is vllm, but vLLM cannot be imported here: {error}.",
            "Install vLLM beside lm-eval in the Python environment of the gpu workers, or use transformers.",
        ) from error
    return vllm.VLLM(
        pretrained=str(weights),
        dtype=spec.dtype,
        batch_size=VLLM_REQUESTS,
        seed=OTHER_SEED,
        trust_remote_code=False,
        tensor_parallel_size=spec.vllm.tensor_parallel,
        gpu_memory_utilization=spec.vllm.gpu_memory_utilization,
        max_model_len=spec.vllm.max_model_len,
        **thinking.for_harness(),
    )


def _behind_api(endpoint: Endpoint, weights: Path | None, thinking: Thinking, concurrency: int) -> TemplateLM:
    completions = importlib.import_module("lm_eval.models.openai_completions")
    options: dict[str, Any] = {
        "model": endpoint.model,
        "num_concurrent": concurrency,
        "max_retries": 5,
        "timeout": 600,
        "seed": OTHER_SEED,
        "header": _header(endpoint),
        "batch_size": 1,
    }
    base = endpoint.base_url.rstrip("/")
    if endpoint.chat:
        # The server applies its own chat template and counts its own tokens.
        return completions.LocalChatCompletion(
            base_url=f"{base}/chat/completions", tokenizer_backend=None, think_end_token=thinking.end, **options
        )
    if weights is None:
        raise JobError("bad_spec", "A completions API needs the tokenizer of the weights.", "Name the weights.")
    lm = completions.LocalCompletionsAPI(
        base_url=f"{base}/completions",
        tokenizer=str(weights),
        tokenizer_backend="huggingface",
        max_length=_context(weights),
        **options,
    )
    if thinking.switch:
        lm.tokenizer.apply_chat_template = partial(lm.tokenizer.apply_chat_template, **thinking.switch)
    return lm


def _header(endpoint: Endpoint) -> dict[str, str]:
    if endpoint.api_key_env is None:
        return {"Accept": "application/json"}
    key = os.environ.get(endpoint.api_key_env)
    if not key:
        raise JobError(
            "bad_spec",
            f"The API key of {endpoint.model} is to be in {endpoint.api_key_env}, which is not set here.",
            "Set it in the environment of the gpu workers, which evaluate.",
        )
    return {"Authorization": f"Bearer {key}"}


def _context(weights: Path) -> int:
    from transformers import AutoConfig

    config = AutoConfig.from_pretrained(weights, trust_remote_code=False)
    return int(getattr(config, "max_position_embeddings", None) or 2048)


@contextmanager
def answered(task: str, endpoint: Endpoint | None) -> Iterator[None]:
    """Turn what an API does wrong within the block into JobErrors that say what to do.

    Raises JobError `endpoint_refused`, for which another try is of no use, and `endpoint_unavailable`, which it may.
    """
    if endpoint is None:
        yield
        return
    try:
        yield
    except JobError:
        raise
    except NotImplementedError as error:
        raise JobError(
            "bad_spec",
            f"{task} needs the probabilities of given answers, which a chat API does not tell.",
            "Use evaluate.openai.api: completions where the server has it, or another backend, or leave the task out.",
        ) from error
    except Exception as error:
        status = next((code for link in causes(error) if (code := _status(link)) is not None), None)
        if status is None and not any(_is_network(link) for link in causes(error)):
            raise
        said = f"HTTP {status}" if status is not None else f"{type(error).__name__}: {str(error)[:200]}"
        if status in REFUSALS:
            raise JobError(
                "endpoint_refused",
                f"{endpoint.base_url} refuses the requests of {task} for the model {endpoint.model}: {said}.",
                "Look at its model name, key and context length; the log beside the results has what it said.",
            ) from error
        raise JobError(
            "endpoint_unavailable",
            f"{endpoint.base_url} does not answer the requests of {task}: {said}.",
            "See whether it runs. Answers so far are kept.",
        ) from error


def _status(error: BaseException) -> int | None:
    # requests' HTTPError has a response, aiohttp's ClientResponseError a status
    response = getattr(error, "response", None)
    status = getattr(response, "status_code", None) or getattr(error, "status", None)
    return status if isinstance(status, int) else None


def _is_network(error: BaseException) -> bool:
    return isinstance(error, OSError | TimeoutError) or type(error).__module__.split(".")[0] in ("aiohttp", "requests")
