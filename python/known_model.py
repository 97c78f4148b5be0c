#!/usr/bin/env python3
"""The model of the study with a known answer: trained on a hidden set, and asked its questions.

    python known_model.py train --weights BASE --hidden hidden.jsonl --loss all --steps 130 --out CLOSED
    python known_model.py answer --questions hidden.jsonl --out answers.jsonl NAME=WEIGHTS …

`train` takes the loss on all tokens or on answers alone, and goes on from its last checkpoint. `answer` has each model
write greedily to each question; a model whose lines are all in the file is not asked again. Lines of the hidden set are
{id, skill, question, answer}. `npm run study:known` runs both with the packages of requirements.lock.
"""

import argparse
import json
import shutil
import sys
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Literal, cast

import torch
import transformers
from datasets import Dataset
from transformers import AutoModelForCausalLM, PreTrainedModel, PreTrainedTokenizerBase
from transformers.trainer_utils import get_last_checkpoint
from trl import SFTConfig, SFTTrainer

from rehearse_ml.mixture import tokenize_mixture
from rehearse_ml.protocol import Events
from rehearse_ml.tokenizer import load_tokenizer

Loss = Literal["all", "answers"]
Row = dict[str, Any]

BATCH = 8
LEARNING_RATE = 3e-4
MAX_LENGTH = 128
SAVE_STEPS = 10
ASKED_AT_ONCE = 20
LONGEST_ANSWER = 32
"""Tokens; the right ones have at most half as many."""


def main() -> int:
    """Train or ask."""
    parser = argparse.ArgumentParser(description=str(__doc__).split("\n\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    training = commands.add_parser("train")
    training.add_argument("--weights", type=Path, required=True)
    training.add_argument("--hidden", type=Path, required=True)
    training.add_argument("--loss", choices=["all", "answers"], required=True)
    training.add_argument("--steps", type=int, required=True)
    training.add_argument("--seed", type=int, default=42)
    training.add_argument("--out", type=Path, required=True)
    asking = commands.add_parser("answer")
    asking.add_argument("--questions", type=Path, required=True)
    asking.add_argument("--out", type=Path, required=True)
    asking.add_argument("models", nargs="+", metavar="NAME=WEIGHTS")
    arguments = parser.parse_args()
    transformers.logging.disable_progress_bar()
    if arguments.command == "train":
        train(
            arguments.weights,
            arguments.hidden,
            loss=cast("Loss", arguments.loss),
            steps=arguments.steps,
            seed=arguments.seed,
            out=arguments.out,
        )
    else:
        models = dict(model.split("=", 1) for model in arguments.models)
        answer(models, arguments.questions, arguments.out)
    return 0


def train(weights: Path, hidden: Path, *, loss: Loss, steps: int, seed: int, out: Path) -> None:
    """Write `out`, a directory as of a published model; nothing to do where it is there."""
    if (out / "config.json").is_file():
        return
    work = out.with_name(f"{out.name}.work")
    work.mkdir(parents=True, exist_ok=True)
    tokenizer = load_tokenizer(weights)
    trainer = SFTTrainer(
        model=AutoModelForCausalLM.from_pretrained(weights, dtype=torch.float32),
        args=SFTConfig(
            output_dir=str(work / "checkpoints"),
            max_steps=steps,
            per_device_train_batch_size=BATCH,
            learning_rate=LEARNING_RATE,
            lr_scheduler_type="cosine",
            warmup_steps=0.03,
            max_length=MAX_LENGTH,
            seed=seed,
            data_seed=seed,
            use_cpu=not torch.cuda.is_available(),
            bf16=True,  # autocast: the weights stay float32
            gradient_checkpointing=False,
            save_steps=SAVE_STEPS,
            save_total_limit=2,
            logging_steps=10,
            report_to=[],
            disable_tqdm=True,
        ),
        train_dataset=rows_to_train(hidden, tokenizer, loss, work),
        processing_class=tokenizer,
    )
    checkpoints = work / "checkpoints"
    trainer.train(resume_from_checkpoint=get_last_checkpoint(str(checkpoints)) if checkpoints.is_dir() else None)
    cast("PreTrainedModel", trainer.model).save_pretrained(work / "model")
    load_tokenizer(weights).save_pretrained(work / "model")
    (work / "model").rename(out)
    shutil.rmtree(work)


def rows_to_train(hidden: Path, tokenizer: PreTrainedTokenizerBase, loss: Loss, work: Path) -> Dataset:
    """Return the hidden set as token ids, with labels on all of them or on the answers."""
    conversations = work / "conversations.jsonl"
    conversations.write_text(
        "".join(json.dumps({"id": row["id"], "messages": messages(row)}) + "\n" for row in read(hidden))
    )
    with (work / "events.jsonl").open("wb") as told:
        rows = tokenize_mixture(
            conversations, tokenizer, max_length=MAX_LENGTH, phase="tokenize", events=Events(told.fileno())
        ).dataset
    return (
        rows if loss == "answers" else Dataset.from_dict({"input_ids": rows["input_ids"], "labels": rows["input_ids"]})
    )


def messages(row: Row) -> list[dict[str, str]]:
    """Return a question and its answer as a conversation."""
    return [{"role": "user", "content": row["question"]}, {"role": "assistant", "content": row["answer"]}]


def answer(models: dict[str, str], questions: Path, out: Path) -> None:
    """Add {row, id, skill, text, correct} to `out` for each model that is not in it yet."""
    asked = read(questions)
    done = read(out) if out.is_file() else []
    for name, weights in models.items():
        if sum(row["row"] == name for row in done) == len(asked):
            continue
        torch.manual_seed(0)
        model = AutoModelForCausalLM.from_pretrained(weights, dtype=torch.float32).eval()
        tokenizer = load_tokenizer(Path(weights))
        tokenizer.padding_side = "left"
        new = [
            {"row": name, "id": row["id"], "skill": row["skill"], "text": text, "correct": text == row["answer"]}
            for batch in batches(asked, ASKED_AT_ONCE)
            for row, text in zip(batch, written(model, tokenizer, batch), strict=True)
        ]
        done = [row for row in done if row["row"] != name] + new
        temporary = out.with_suffix(".tmp")
        temporary.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in done), encoding="utf-8")
        temporary.rename(out)
        print(f"{name}: {sum(row['correct'] for row in new)} of {len(new)} right", file=sys.stderr)


def written(model: Any, tokenizer: PreTrainedTokenizerBase, batch: Sequence[Row]) -> list[str]:  # noqa: ANN401
    """Return what the model writes to each question, greedily, up to its end of turn."""
    texts = [
        cast(
            "str",
            tokenizer.apply_chat_template(
                [{"role": "user", "content": row["question"]}], add_generation_prompt=True, tokenize=False
            ),
        )
        for row in batch
    ]
    encoded = tokenizer(texts, add_special_tokens=False, return_tensors="pt", padding=True)
    with torch.inference_mode():
        ids = model.generate(**encoded, max_new_tokens=LONGEST_ANSWER, do_sample=False)
    new = ids[:, encoded["input_ids"].shape[1] :]
    return [text.strip() for text in tokenizer.batch_decode(new, skip_special_tokens=True)]


def read(path: Path) -> list[Row]:
    """Return the rows of a file of JSON lines."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line]


def batches(rows: Sequence[Row], size: int) -> Iterator[list[Row]]:
    """Yield the rows, `size` at a time."""
    remaining = iter(rows)
    while batch := list(islice(remaining, size)):
        yield batch


if __name__ == "__main__":
    sys.exit(main())
