"""The tokenizer that belongs to a model."""

import re
from pathlib import Path

from jinja2 import TemplateError
from transformers import AutoConfig, AutoTokenizer, PreTrainedTokenizerBase

from .errors import JobError

SPECIAL = re.compile(r"<\|[^|<>\s]+\|>")
"""How the special tokens of chat templates look, but for some that tell nothing (`[INST]`, `<s>`)."""


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


def check_tokenizer(tokenizer: PreTrainedTokenizerBase, weights: Path) -> None:
    """Refuse a tokenizer, or a chat template, of another model than the one in `weights`.

    Raises JobError `tokenizer_mismatch` for tokens that the model has no embedding of, and `chat_template` for a
    template whose own special tokens are none to the tokenizer: the model would read them as loose characters.
    """
    rows = AutoConfig.from_pretrained(weights).get_text_config().vocab_size
    highest = max(tokenizer.get_vocab().values())
    if highest >= rows:
        raise JobError(
            "tokenizer_mismatch",
            f"The tokenizer in {weights} has tokens up to number {highest}, but the model embeds only {rows}: "
            "it is of another model, or tokens were added to it without resizing the model.",
            "Put the model's own tokenizer files next to its weights.",
        )
    if not tokenizer.chat_template:
        return
    probe = [{"role": "user", "content": "u"}, {"role": "assistant", "content": "a"}]
    try:
        text = str(tokenizer.apply_chat_template(probe, tokenize=False))
    except (TemplateError, TypeError, ValueError, KeyError):
        return  # what a template refuses is reported for each conversation
    foreign = sorted(
        {token for token in SPECIAL.findall(text) if len(tokenizer.encode(token, add_special_tokens=False)) != 1}
    )
    if foreign:
        raise JobError(
            "chat_template",
            f"The chat template in {weights} writes {', '.join(foreign)}, which the tokenizer does not know as one "
            "token: the template is of another model.",
            "Put the model's own chat_template.jinja (or tokenizer_config.json) next to its weights.",
        )
