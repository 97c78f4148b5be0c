"""The tokenizer that belongs to a model."""

from pathlib import Path

from transformers import AutoTokenizer, PreTrainedTokenizerBase

from .errors import JobError


def load_tokenizer(weights: Path) -> PreTrainedTokenizerBase:
    """Return the tokenizer saved beside the model in `weights`.

    Raises JobError `weights_not_found` when there is none that transformers can read.
    """
    try:
        tokenizer = AutoTokenizer.from_pretrained(weights)
    except (OSError, ValueError) as error:
        raise JobError(
            "weights_not_found",
            f"The tokenizer in {weights} cannot be read: {(str(error).strip().splitlines() or ['no message'])[0]}",
            "Save the model's own tokenizer (tokenizer.json, tokenizer_config.json) next to its weights.",
        ) from error
    if tokenizer is None:
        raise JobError(
            "weights_not_found",
            f"{weights} names no tokenizer.",
            "Save the model's own tokenizer (tokenizer.json, tokenizer_config.json) next to its weights.",
        )
    return tokenizer
