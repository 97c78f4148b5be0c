"""The loss of a model on conversations that it was not trained on: the same tokens and mask as in training."""

import math
from collections.abc import Iterator
from pathlib import Path

import torch
from datasets import Dataset
from torch.nn.functional import cross_entropy
from transformers import PreTrainedModel

from .errors import JobError
from .layout import LOSSES_FOLDER
from .mixture import IGNORED, tokenize_mixture
from .protocol import Events, lines_atomic, write_json_atomic
from .results import ConversationLoss, HeldOutLoss
from .spec import EvaluateSpec, HeldOut
from .tokenizer import load_tokenizer


def loss_file(spec: EvaluateSpec, held_out: HeldOut) -> Path:
    """Return where the loss on `held_out` is, or will be once it has been taken."""
    return Path(spec.output_dir) / LOSSES_FOLDER / f"{held_out.name}.json"


def measure_loss(
    spec: EvaluateSpec,
    held_out: HeldOut,
    *,
    model: PreTrainedModel,
    weights: Path,
    device: torch.device,
    events: Events,
) -> None:
    """Write `losses/<name>.json`: the mean negative log-likelihood (nats) of the assistant's tokens, and what it is of.

    Beside it `losses/<name>.jsonl` has {id, loss, tokens} of each conversation, in the order of the file, so that two
    models can be compared pair by pair. Raises JobError `bad_data`, `chat_template`, and `nan_loss` for weights that
    give no number.
    """
    # The model's own tokenizer, as in training; lm-evaluation-harness changes its copy.
    tokenizer = load_tokenizer(weights)
    phase = f"loss {held_out.name}"
    mixture = tokenize_mixture(
        Path(held_out.conversations),
        tokenizer,
        max_length=held_out.max_length,
        phase=f"tokenize {phase}",
        events=events,
        keep_thoughts=held_out.thoughts == "keep",
    )
    # Longest first: little padding, and a batch too large for the memory fails at once.
    lengths = [len(ids) for ids in mixture.dataset["input_ids"]]
    order = sorted(range(len(lengths)), key=lambda row: lengths[row], reverse=True)
    sums: dict[int, tuple[float, int]] = {}
    for batch in _batches(order, spec.batch_size):
        for row, total, tokens in _losses(model, mixture.dataset, batch, device):
            if not math.isfinite(total):
                raise JobError(
                    "nan_loss",
                    f"The loss on conversation {mixture.names[row]} of {held_out.conversations} is {total}.",
                    "The weights are broken, or overflow in this dtype: look at their training, or use float32.",
                )
            sums[row] = (total, tokens)
        events.progress(phase, len(sums), len(order))
    path = loss_file(spec, held_out)
    per_conversation = path.with_suffix(".jsonl")
    with lines_atomic(per_conversation) as write:
        for row, name in enumerate(mixture.names):
            total, tokens = sums[row]
            write(ConversationLoss(id=name, loss=total / tokens, tokens=tokens))
    tokens = sum(count for _, count in sums.values())
    result: HeldOutLoss = {
        "name": held_out.name,
        "loss": math.fsum(total for total, _ in sums.values()) / tokens,
        "tokens": tokens,
        "conversations": len(sums),
        "truncated": mixture.truncated,
        "dropped": mixture.dropped,
        "perConversation": str(per_conversation),
    }
    write_json_atomic(path, result)


def _batches(order: list[int], size: int) -> Iterator[list[int]]:
    for start in range(0, len(order), size):
        yield order[start : start + size]


@torch.no_grad()
def _losses(
    model: PreTrainedModel, dataset: Dataset, batch: list[int], device: torch.device
) -> list[tuple[int, float, int]]:
    """Return for each row of `batch` its number, the sum of its tokens' losses, and how many tokens that is."""
    rows = [dataset[row] for row in batch]
    width = max(len(row["input_ids"]) for row in rows)
    # The mask hides the padding, so its id does not matter; it comes behind, so positions stay as they are.
    ids = torch.zeros((len(rows), width), dtype=torch.long)
    labels = torch.full((len(rows), width), IGNORED, dtype=torch.long)
    mask = torch.zeros((len(rows), width), dtype=torch.long)
    for index, row in enumerate(rows):
        length = len(row["input_ids"])
        ids[index, :length] = torch.tensor(row["input_ids"])
        labels[index, :length] = torch.tensor(row["labels"])
        mask[index, :length] = 1
    logits = model(input_ids=ids.to(device), attention_mask=mask.to(device)).logits[:, :-1]
    targets = labels[:, 1:].to(device)
    trained = targets != IGNORED
    # Only where the assistant speaks: the logits of a whole batch in float32 can be many gigabytes.
    losses = cross_entropy(logits[trained].float(), targets[trained], reduction="none").double()
    counts = trained.sum(dim=1).tolist()
    return [
        (row, float(part.sum()), count) for row, part, count in zip(batch, losses.split(counts), counts, strict=True)
    ]
