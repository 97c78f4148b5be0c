"""Fixtures: a real tokenizer, a tiny random model with a part of it, recorded events, forked jobs."""

import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from forked_job import ForkedJob, warm_up
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerBase, set_seed

from rehearse_ml.job import Interruption
from rehearse_ml.protocol import Events
from rehearse_ml.sft import sft
from rehearse_ml.spec import SftSpec
from rehearse_ml.tokenizer import load_tokenizer

PACKAGE_ROOT = Path(__file__).parent.parent
VOCABULARY = 4096
"""Of the tiny model: with all 49,152 tokens nine tenths of a training's time would go into its logits."""
Spec = dict[str, Any]
StartJob = Callable[..., ForkedJob]


def pytest_sessionstart() -> None:
    """Have the libraries ready when the first job starts."""
    warm_up()


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
    """A random Llama of 0.25 million parameters with SmolLM2's chat template, and its tokenizer's first tokens."""
    directory = tmp_path_factory.mktemp("tiny")
    _shrink_tokenizer(real_weights, directory)
    tokenizer = load_tokenizer(directory)
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


def _shrink_tokenizer(whole: Path, directory: Path) -> None:
    """Write the tokenizer in `whole` with its first `VOCABULARY` tokens; special tokens and bytes come first in it."""
    for name in ("tokenizer_config.json", "chat_template.jinja"):
        shutil.copy(whole / name, directory)
    content: Spec = json.loads((whole / "tokenizer.json").read_text(encoding="utf-8"))
    model: Spec = content["model"]
    vocabulary = {token: number for token, number in model["vocab"].items() if number < VOCABULARY}
    model["merges"] = [pair for pair in model["merges"] if "".join(pair) in vocabulary]
    model["vocab"] = vocabulary
    (directory / "tokenizer.json").write_text(json.dumps(content), encoding="utf-8")


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
def start_job(tmp_path: Path) -> Iterator[StartJob]:
    """Start `python -m rehearse_ml` in a process of its own: spec file in, event lines on stdout."""
    jobs: list[ForkedJob] = []

    def start(command: str, spec: Spec, **env: str) -> ForkedJob:
        path = tmp_path / f"{command}-spec.json"
        path.write_text(json.dumps(spec))
        job = ForkedJob([command, "--spec", str(path)], {**os.environ, "PYTHONPATH": str(PACKAGE_ROOT), **env})
        jobs.append(job)
        return job

    yield start
    for job in jobs:
        job.close()


@pytest.fixture
def sft_spec(tiny_model: Path, tmp_path: Path) -> Spec:
    return make_sft_spec(tiny_model, tmp_path)


@pytest.fixture(scope="session")
def undisturbed(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Spec:
    """The result of `sft_spec` from beginning to end, which those of disturbed trainings must equal."""
    folder = tmp_path_factory.mktemp("undisturbed")
    return train(make_sft_spec(tiny_model, folder), RecordedEvents(folder / "events.jsonl"))


def make_sft_spec(model: Path, folder: Path) -> Spec:
    """Return a spec of 8 steps on 24 conversations, whose files and output are in `folder`."""
    mixture = folder / "mixture.jsonl"
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
        "weights": str(model),
        "revision": None,
        "mixture": str(mixture),
        "evalMixture": None,
        "outputDir": str(folder / "sft"),
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
