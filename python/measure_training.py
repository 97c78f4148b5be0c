#!/usr/bin/env python3
"""Measure training and evaluation of a model with random weights on this machine's GPU; no network, under ten minutes.

    npm run test:long gpu            # or, with the packages of requirements.lock: python measure_training.py --write
    npm run test:long gpu -- --tiny  # a small model on the CPU: shows that the script works, measures nothing

For each of full SFT, LoRA and OSF: steps of the shipped trainer, tokens a second of all of them but the first, the
highest memory, and a second training that is killed with SIGKILL behind a checkpoint and goes on, whose losses are held
against the first one's. Then an evaluation of the trained model. `--write` puts the table into docs/training.md. Exits
1 where a resumed training has other losses, 2 where there is no GPU.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
PAGE = HERE.parent / "docs" / "training.md"
OPEN, CLOSE = "<!-- written by python/measure_training.py -->", "<!-- end of what was measured -->"
EVALUATION = HERE.parent / "examples" / "demo" / "eval" / "mmlu_pro"
TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
RESUMED_WITHIN = 0.02
"""Sums on a GPU are not always taken in the same order; on a CPU the losses are equal."""
POLL_SECONDS = 0.2

Spec = dict[str, Any]


@dataclass(frozen=True)
class Size:
    """A model and what it is trained on."""

    name: str
    shape: dict[str, int]
    tokens: int
    """Of one conversation."""
    batch: int
    steps: int
    save_steps: int
    dtype: str


LARGE = Size(
    "1.1B parameters (the shape of Llama-3.2-1B, 32,768 tokens)",
    {"hidden_size": 2048, "intermediate_size": 8192, "num_hidden_layers": 16, "num_attention_heads": 32}
    | {"num_key_value_heads": 8, "vocab_size": 32768},
    tokens=1024,
    batch=4,
    steps=30,
    save_steps=10,
    dtype="bfloat16",
)
TINY = Size(
    "0.1M parameters, which measures nothing",
    {"hidden_size": 48, "intermediate_size": 96, "num_hidden_layers": 2, "num_attention_heads": 4}
    | {"num_key_value_heads": 2, "vocab_size": 512},
    tokens=64,
    batch=2,
    steps=6,
    save_steps=2,
    dtype="float32",
)

METHODS: dict[str, Spec] = {
    "full": {"learningRate": 1e-5},
    "LoRA": {
        "learningRate": 1e-4,
        "lora": {"rank": 16, "alpha": 32, "dropout": 0.0, "targets": None, "quantize": False},
    },
    "OSF": {"learningRate": 1e-5, "osf": {"effectiveRank": 0.5, "targets": None}},
}


@dataclass(frozen=True)
class Row:
    """What one method took."""

    method: str
    seconds_a_step: float
    tokens_a_second: float
    peak_bytes: int
    resumed_after: float
    """Seconds from the second start to the first step after the checkpoint."""
    difference: float
    """Largest relative difference of a loss of the resumed training."""


def main() -> int:
    """Measure, print the table, and write it where asked."""
    parser = argparse.ArgumentParser(description=str(__doc__).split("\n\n")[0])
    parser.add_argument("--tiny", action="store_true", help="a small model on the CPU, to see that this script works")
    parser.add_argument("--methods", default=",".join(METHODS), help="some of " + ", ".join(METHODS))
    parser.add_argument("--write", action="store_true", help="put the table into docs/training.md")
    arguments = parser.parse_args()
    methods = arguments.methods.split(",")
    if unknown := [method for method in methods if method not in METHODS]:
        parser.error(f"--methods: {unknown[0]} is none of {', '.join(METHODS)}")
    if arguments.tiny and arguments.write:
        parser.error("--write: with --tiny nothing is measured that could be written down")
    device = None if arguments.tiny else gpu()
    if device is None and not arguments.tiny:
        print(
            "measure_training: torch sees no GPU here; run it on a machine with one, or with --tiny on the CPU, which "
            "shows that it works and measures nothing",
            file=sys.stderr,
        )
        return 2
    size = LARGE if device is not None else TINY
    with tempfile.TemporaryDirectory(prefix="rehearse-measure-") as folder:
        work = Path(folder)
        make_model(work / "model", size)
        write_conversations(work / "mixture.jsonl", size)
        rows = [measure(method, size, work, on_gpu=device is not None) for method in methods]
        evaluated = evaluation(work / methods[0] / "checkpoint", size, work)
    text = table(rows, size, device or "CPU", evaluated)
    print(text)
    if arguments.write:
        write_section(PAGE, text)
    worst = max(row.difference for row in rows)
    return 1 if worst > (RESUMED_WITHIN if device is not None else 0) else 0


def gpu() -> str | None:
    """Return the name of the first GPU that torch can use, and its memory."""
    import torch

    if not torch.cuda.is_available():
        return None
    properties = torch.cuda.get_device_properties(0)
    return f"{properties.name}, {properties.total_memory / 2**30:.0f} GiB"


def make_model(folder: Path, size: Size) -> None:
    """Write a Llama with random weights and a tokenizer of bytes."""
    from tokenizers import AddedToken, Tokenizer
    from tokenizers.decoders import ByteLevel as ByteLevelDecoder
    from tokenizers.models import BPE
    from tokenizers.pre_tokenizers import ByteLevel
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast, set_seed

    set_seed(0)
    letters = {letter: number for number, letter in enumerate(sorted(ByteLevel.alphabet()))}
    tokenizer = Tokenizer(BPE(vocab=letters, merges=[]))
    tokenizer.pre_tokenizer = ByteLevel(add_prefix_space=False)
    tokenizer.decoder = ByteLevelDecoder()
    tokenizer.add_special_tokens([AddedToken(text, normalized=False) for text in ("<|im_start|>", "<|im_end|>")])
    whole = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, eos_token="<|im_end|>", pad_token="<|im_end|>", chat_template=TEMPLATE
    )
    special = {"eos_token_id": whole.eos_token_id, "pad_token_id": whole.pad_token_id}
    config = LlamaConfig.from_dict(
        {**size.shape, **special, "max_position_embeddings": 8192, "tie_word_embeddings": True}
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    whole.save_pretrained(folder)


def write_conversations(path: Path, size: Size) -> None:
    """Write conversations that are all as long as the training takes: each step has the same number of tokens."""
    with path.open("w", encoding="utf-8") as lines:
        for index in range(size.batch * size.steps):
            question = f"What follows {index}?"
            answer = " ".join(str(index + step) for step in range(size.tokens))[: 2 * size.tokens]
            messages = [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
            lines.write(json.dumps({"id": f"m{index}", "source": "new", "messages": messages}) + "\n")


def measure(method: str, size: Size, work: Path, *, on_gpu: bool) -> Row:
    """Train once undisturbed, and once killed behind its first checkpoint and begun again."""
    print(f"{datetime.now(UTC):%H:%M:%S} {method}: undisturbed", file=sys.stderr)
    undisturbed = Job("sft", sft_spec(method, size, work, work / method), work / f"{method}.log", on_gpu=on_gpu)
    undisturbed.finish()
    steps = undisturbed.steps()
    seconds = (steps[-1].at - steps[0].at) / (len(steps) - 1)

    print(f"{datetime.now(UTC):%H:%M:%S} {method}: killed, and begun again", file=sys.stderr)
    spec = sft_spec(method, size, work, work / f"{method}-killed")
    killed = Job("sft", spec, work / f"{method}-killed.log", on_gpu=on_gpu)
    killed.kill_when(lambda: any(event["type"] == "checkpoint" for event in killed.events()))
    resumed = Job("sft", spec, work / f"{method}-resumed.log", on_gpu=on_gpu)
    resumed.finish()
    again = resumed.steps()
    if not again or again[0].step <= size.save_steps:
        raise RuntimeError(
            f"the resumed training began at step {again[0].step if again else 'none'}, not behind {size.save_steps}"
        )
    losses = {step.step: step.loss for step in steps}
    return Row(
        method,
        seconds_a_step=seconds,
        tokens_a_second=size.batch * size.tokens / seconds,
        peak_bytes=undisturbed.peak_bytes,
        resumed_after=again[0].at - resumed.started,
        difference=max(abs(step.loss - losses[step.step]) / losses[step.step] for step in again),
    )


def sft_spec(method: str, size: Size, work: Path, output: Path) -> Spec:
    """Return the trainer's spec; see rehearse_ml/spec.py."""
    return {
        "protocol": 1,
        "weights": str(work / "model"),
        "revision": None,
        "mixture": str(work / "mixture.jsonl"),
        "evalMixture": None,
        "outputDir": str(output),
        "epochs": 1.0,
        "maxSteps": size.steps,
        "perDeviceBatchSize": size.batch,
        "gradientAccumulation": 1,
        "maxLength": size.tokens,
        "packing": False,
        "scheduler": "constant",
        "warmupRatio": 0.0,
        "weightDecay": 0.0,
        "seed": 7,
        "dtype": size.dtype,
        "gradientCheckpointing": size is LARGE,
        "saveSteps": size.save_steps,
        "loggingSteps": 1,
        "threads": None if size is LARGE else 1,
        **METHODS[method],
    }


def evaluation(checkpoint: Path, size: Size, work: Path) -> tuple[int, float]:
    """Return how many documents of MMLU-Pro were scored, of the demo's, and the seconds, the start included."""
    print(f"{datetime.now(UTC):%H:%M:%S} evaluation", file=sys.stderr)
    data = {split: str(EVALUATION / f"{split}.jsonl") for split in ("test", "validation")}
    task = {"task": "mmlu_pro", "data": data, "limit": None, "numFewshot": None, "maxGenToks": None}
    spec = {
        "protocol": 1,
        "weights": str(checkpoint),
        "revision": None,
        "outputDir": str(work / "evaluation"),
        "tasks": [task],
        "batchSize": 8,
        "dtype": size.dtype,
        "seed": 7,
        "threads": None if size is LARGE else 1,
    }
    job = Job("evaluate", spec, work / "evaluation.log", on_gpu=size is LARGE)
    job.finish()
    documents = sum(1 for _ in (EVALUATION / "test.jsonl").open(encoding="utf-8"))
    return documents, time.time() - job.started


@dataclass(frozen=True)
class Step:
    """A step of a training, and when it was told."""

    step: int
    loss: float
    at: float


class Job:
    """A job of `python -m rehearse_ml` in a process of its own."""

    def __init__(self, command: str, spec: Spec, log: Path, *, on_gpu: bool) -> None:
        """Start it."""
        self._log = log
        self._events = log.with_suffix(".events")
        file = log.with_suffix(".json")
        file.write_text(json.dumps(spec), encoding="utf-8")
        self.started = time.time()
        self.peak_bytes = 0
        env = {**os.environ, "PYTHONPATH": str(HERE), "HF_HUB_OFFLINE": "1"} | (
            {} if on_gpu else {"CUDA_VISIBLE_DEVICES": ""}
        )
        with log.open("w") as errors, self._events.open("w") as events:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "rehearse_ml", command, "--spec", str(file)],
                stdout=events,
                stderr=errors,
                env=env,
                start_new_session=True,
            )
        read = used_on_gpu if on_gpu else lambda: peak_of(self._process.pid)
        threading.Thread(target=self._watch, args=(read,), daemon=True).start()

    def events(self) -> list[Spec]:
        """Return the events so far; a line that is being written is none yet."""
        lines = self._events.read_text(encoding="utf-8").split("\n")[:-1]
        return [json.loads(line) for line in lines]

    def steps(self) -> list[Step]:
        """Return the training's steps so far."""
        return list(self._steps())

    def _steps(self) -> Iterator[Step]:
        for event in self.events():
            if event["type"] == "progress" and event.get("loss") is not None:
                yield Step(event["done"], event["loss"], datetime.fromisoformat(event["at"]).timestamp())

    def finish(self) -> None:
        """Wait for its end. Raise RuntimeError with the end of its log when it fails."""
        if self._process.wait() != 0:
            raise RuntimeError(f"{self._process.args} failed:\n{self._log.read_text()[-3000:]}\n{self.events()[-1:]}")

    def kill_when(self, is_time: Callable[[], bool]) -> None:
        """Kill it, and all that it started, as soon as `is_time`."""
        while not is_time():
            if self._process.poll() is not None:
                raise RuntimeError("the training ended before it could be killed")
            time.sleep(POLL_SECONDS)
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def _watch(self, read: Callable[[], int]) -> None:
        while self._process.poll() is None:
            self.peak_bytes = max(self.peak_bytes, read())
            time.sleep(POLL_SECONDS)


def used_on_gpu() -> int:
    """Return the bytes in use on the first GPU, the CUDA context included."""
    command = ["nvidia-smi", "--query-gpu=memory.used", "--format=csv,noheader,nounits", "--id=0"]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()) * 2**20


def peak_of(pid: int) -> int:
    """Return the highest resident size of a process."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    found = [line for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(found[0].split()[1]) * 1024 if found else 0


def table(rows: Sequence[Row], size: Size, device: str, evaluated: tuple[int, float]) -> str:
    """Return the figures as Markdown."""
    documents, seconds = evaluated
    shape = f"{size.batch} x {size.tokens} tokens a step, {size.dtype}"
    checkpointed = ", gradient checkpointing" if size is LARGE else ""
    head = f"{datetime.now(UTC):%Y-%m-%d}, {device}: {size.name}, random weights, {shape}{checkpointed}."
    columns = (
        "method",
        "s a step",
        "tokens/s",
        "highest memory",
        "first step after a kill",
        "largest change of a loss",
    )
    lines = [line(columns), line(("---", *("---:",) * (len(columns) - 1)))]
    for row in rows:
        figures = (row.method, f"{row.seconds_a_step:.2f}", f"{row.tokens_a_second:,.0f}")
        memory = f"{row.peak_bytes / 2**30:.1f} GiB"
        lines.append(line((*figures, memory, f"{row.resumed_after:.0f} s", f"{row.difference:.1e}")))
    told = f"Evaluation: {documents} documents of MMLU-Pro in {seconds:.0f} s, the start included."
    return "\n".join([head, "", *lines, "", told])


def line(cells: Sequence[str]) -> str:
    """Return a line of a table."""
    return f"| {' | '.join(cells)} |"


def write_section(page: Path, text: str) -> None:
    """Put the table between its marks."""
    whole = page.read_text(encoding="utf-8")
    before, mark, rest = whole.partition(OPEN)
    _, end, after = rest.partition(CLOSE)
    if not mark or not end:
        raise RuntimeError(f"{page} has no {OPEN} followed by {CLOSE}")
    page.write_text(f"{before}{OPEN}\n\n{text}\n\n{CLOSE}{after}", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
