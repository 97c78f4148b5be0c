"""Tokenizers made here, a token for each byte and for each control token, with the chat templates that TRL ships."""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import trl
from tokenizers import AddedToken, Tokenizer
from tokenizers.decoders import ByteLevel as ByteLevelDecoder
from tokenizers.models import BPE
from tokenizers.pre_tokenizers import ByteLevel
from transformers import PreTrainedTokenizerFast

TEMPLATES = Path(trl.__file__).parent / "chat_templates"
CONTROL = re.compile(r"<\|?[a-zA-Z_▁]+\|?>|<｜[^｜]+｜>|</?think>|\[[A-Z_/]+\]|<\|[^|\s]+>|<[^|\s]+\|>")  # noqa: RUF001


def shipped_templates() -> list[str]:
    """Return the names of the models' own templates; those for training are edited ones."""
    return sorted(file.stem for file in TEMPLATES.glob("*.jinja") if not file.stem.endswith("_training"))


def shipped(name: str) -> str:
    """Return the text of one of them."""
    return (TEMPLATES / f"{name}.jinja").read_text(encoding="utf-8")


@cache
def tokenizer_of(name: str, *, special: bool = True, bos: str = "<s>", eos: str = "</s>") -> PreTrainedTokenizerFast:
    """Return a tokenizer with a shipped template, to which all that the template writes as control tokens is one."""
    return byte_tokenizer(shipped(name), special=special, bos=bos, eos=eos)


def byte_tokenizer(
    template: str,
    *,
    special: bool = True,
    bos: str = "<s>",
    eos: str = "</s>",
    added: tuple[str, ...] = (),
    strips: Mapping[str, bool] | None = None,
) -> PreTrainedTokenizerFast:
    """Return a tokenizer with `template`; `added` are tokens besides those that it writes.

    `strips` says on which sides tokens take the white space around them (`lstrip`, `rstrip`).
    """
    alphabet = sorted(ByteLevel.alphabet())
    tokenizer = Tokenizer(BPE(vocab={letter: number for number, letter in enumerate(alphabet)}, merges=[]))
    tokenizer.pre_tokenizer = ByteLevel(add_prefix_space=False)
    tokenizer.decoder = ByteLevelDecoder()
    written = sorted({*CONTROL.findall(template), *added} - {bos, eos})
    tokenizer.add_special_tokens([bos, eos])
    tokenizer.add_tokens([AddedToken(token, special=special, normalized=False, **(strips or {})) for token in written])
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token=bos, eos_token=eos, pad_token=eos, chat_template=template
    )
