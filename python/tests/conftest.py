"""Fixtures: a real tokenizer, a tiny random model that uses it, and recorded events."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerBase, set_seed

from rehearse_ml.job import Interruption
from rehearse_ml.protocol import Events
from rehearse_ml.sft import sft
from rehearse_ml.spec import SftSpec
from rehearse_ml.tokenizer import load_tokenizer

PACKAGE_ROOT = Path(__file__).parent.parent
Spec = dict[str, Any]
StartJob = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture(scope="session")
def real_weights() -> Path:
    """SmolLM2-135M-Instruct as `rehearse_ml convert` writes it."""
    path = os.environ.get("REHEARSE_TEST_WEIGHTS")
    if not path or not (Path(path) / "config.json").is_file():
        pytest.fail(
            "Set REHEARSE_TEST_WEIGHTS to the directory that `python -m rehearse_ml convert` wrote for "
            "SmolLM2-135M-Instruct: its tokenizer and chat template are what these tests run on."
        )
    return Path(path)


@pytest.fixture(scope="session")
def tokenizer(real_weights: Path) -> PreTrainedTokenizerBase:
    return load_tokenizer(real_weights)


@pytest.fixture(scope="session")
def tiny_model(real_weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random Llama of 3 million parameters with SmolLM2's tokenizer: quick, and every code path is the real one."""
    directory = tmp_path_factory.mktemp("tiny")
    tokenizer = load_tokenizer(real_weights)
    set_seed(0)
    torch.set_num_threads(1)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=48,
        intermediate_size=96,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=8192,
        initializer_range=0.3,  # at the usual 0.02 a random model's loss hardly depends on what it reads
        tie_word_embeddings=True,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    LlamaForCausalLM(config).save_pretrained(directory)
    tokenizer.save_pretrained(directory)
    return directory


class RecordedEvents(Events):
    """Events whose lines can be read back."""

    def __init__(self, path: Path) -> None:
        self.path = path
        super().__init__(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND))

    def read(self) -> list[Spec]:
        return [json.loads(line) for line in self.path.read_text().splitlines()]


def train(spec: Spec, events: RecordedEvents) -> dict[str, Any]:
    """Train in this process and return the result."""
    result: dict[str, Any] = json.loads(sft(SftSpec.model_validate(spec), events, Interruption()).read_text())
    return result


@pytest.fixture
def events(tmp_path: Path) -> RecordedEvents:
    return RecordedEvents(tmp_path / "events.jsonl")


@pytest.fixture
def start_job(tmp_path: Path) -> StartJob:
    """Start `python -m rehearse_ml` as its caller does: spec file in, event lines on stdout."""

    def start(command: str, spec: Spec, **env: str) -> subprocess.Popen[str]:
        path = tmp_path / f"{command}-spec.json"
        path.write_text(json.dumps(spec))
        return subprocess.Popen(
            [sys.executable, "-m", "rehearse_ml", command, "--spec", str(path)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, "PYTHONPATH": str(PACKAGE_ROOT), **env},
            start_new_session=True,  # a signal is sent to its whole group
        )

    return start


@pytest.fixture
def sft_spec(tiny_model: Path, tmp_path: Path) -> Spec:
    mixture = tmp_path / "mixture.jsonl"
    rows = [
        {
            "id": f"m{index}",
            "source": "new" if index % 6 == 0 else "replay",
            "messages": [
                {"role": "user", "content": f"What is {index} plus {index}?"},
                {"role": "assistant", "content": f"It is {2 * index}."},
            ],
        }
        for index in range(24)
    ]
    mixture.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return {
        "protocol": 1,
        "weights": str(tiny_model),
        "revision": None,
        "mixture": str(mixture),
        "evalMixture": None,
        "outputDir": str(tmp_path / "sft"),
        "learningRate": 1e-3,
        "epochs": 1.0,
        "maxSteps": 8,
        "perDeviceBatchSize": 2,
        "gradientAccumulation": 2,
        "maxLength": 128,
        "packing": False,
        "scheduler": "cosine",
        "warmupRatio": 0.1,
        "weightDecay": 0.0,
        "seed": 7,
        "dtype": "float32",
        "gradientCheckpointing": False,
        "saveSteps": 2,
        "loggingSteps": 1,
        "threads": 1,
    }
