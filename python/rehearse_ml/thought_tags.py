"""What stands around thoughts in the texts of models, by what their chat templates write: templates/thought-tags.ts."""

TAGS = (
    ("<think>", "</think>"),
    ("<|channel>thought", "<channel|>"),
    ("<|channel|>analysis<|message|>", "<|end|>"),
    ("<|START_THINKING|>", "<|END_THINKING|>"),
    ("[THINK]", "[/THINK]"),
    ("◁think▷", "◁/think▷"),
    ("<thought>", "</thought>"),
    ("<reasoning>", "</reasoning>"),
    ("<seed:think>", "</seed:think>"),
    ("<mm:think>", "</mm:think>"),
    ("<think:opensource>", "</think:opensource>"),
    ("<|open|>think<|sep|>", "<|close|>think<|sep|>"),
    ("<|think|>", "<|end|>"),
    ("Here are my reasoning steps:", "[BEGIN FINAL RESPONSE]"),
    ("<thinking>", "</thinking>"),
)
"""What opens and what closes a thought; in a template with several, the first is meant."""

ENDS_OF_TURNS = ("<|end|>",)
"""Closing tags that end other texts too."""


def opens(text: str) -> bool:
    """Tell whether `text` ends inside a thought."""
    return any(text.rfind(opening) > text.rfind(closing) for opening, closing in TAGS if opening in text)


def mentions(text: str) -> bool:
    """Tell whether `text` talks of thoughts by their tags."""
    return any(opening in text or (closing in text and closing not in ENDS_OF_TURNS) for opening, closing in TAGS)
