"""Write the table of docs/models.md that says what is trained under each chat template: python tests/span_table.py.

Needs the packages of python/requirements.lock; the templates are those that TRL ships and those of
test/fixtures/chat-templates.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from byte_tokenizer import byte_tokenizer, shipped, shipped_templates

sys.path.insert(0, str(Path(__file__).parent.parent))

from rehearse_ml.assistant_spans import AssistantSpans
from rehearse_ml.chat_template import UnrenderableError

ROOT = Path(__file__).parent.parent.parent
FIXTURES = ROOT / "test" / "fixtures" / "chat-templates"
PAGE = ROOT / "docs" / "models.md"
BEGINS = "<!-- written by python/tests/span_table.py -->\n"
ENDS = "<!-- end of what python/tests/span_table.py writes -->\n"
HEAD = (
    "| template of | an answer, and one before it | with a thought that is kept | a call of a function |\n"
    "| --- | --- | --- | --- |\n"
)

Messages = list[dict[str, Any]]

ASKED: Messages = [{"role": "user", "content": "Bread?"}]
ANSWERED: Messages = [*ASKED, {"role": "assistant", "content": "Rye."}]
TWO_TURNS: Messages = [*ANSWERED, *ASKED, {"role": "assistant", "content": "Spelt."}]
THOUGHT: Messages = [*ASKED, {"role": "assistant", "content": "Rye.", "reasoning_content": "Hm."}]
CALL = {"id": "c1", "type": "function", "function": {"name": "bake", "arguments": {"bread": "rye"}}}
CALLED: Messages = [*ASKED, {"role": "assistant", "content": "", "tool_calls": [CALL]}]


def templates() -> Iterator[tuple[str, str]]:
    """Yield the name and the text of each template."""
    for name in shipped_templates():
        yield f"TRL, `{name}`", shipped(name)
    for file in sorted(FIXTURES.glob("*.jinja")):
        yield f"`{file.stem}`", file.read_text(encoding="utf-8")


def table() -> str:
    """Return the table."""
    return HEAD + "".join(f"| {' | '.join(_row(name, template))} |\n" for name, template in templates())


def _row(name: str, template: str) -> list[str]:
    tokenizer = byte_tokenizer(template, eos="<|endoftext|>" if "phi3" in name else "</s>")
    spans, keeping = AssistantSpans(tokenizer), AssistantSpans(tokenizer, keep_thoughts=True)
    kept = keeping.find(THOUGHT, name)
    return [
        name,
        " ".join(_code(span) for span in reversed(_spans(spans, TWO_TURNS))),
        _code(kept.text[slice(*kept.trained[0])]) if kept.thoughts_kept else "not written",
        *_called(spans),
    ]


def _called(spans: AssistantSpans) -> list[str]:
    try:
        return [_code(_spans(spans, CALLED)[0])]
    except UnrenderableError:
        return ["refused"]


def _spans(spans: AssistantSpans, messages: Messages) -> list[str]:
    text, found = spans.render(messages, "the example")
    return [text[start:end] for start, end in found]


def _code(text: str) -> str:
    shown = text.replace("\n", "\\n").replace("|", "\\|")
    return f"`{shown}`"


def written(page: str) -> str:
    """Return `page` with the table as it is now."""
    before, rest = page.split(BEGINS)
    return f"{before}{BEGINS}\n{table()}\n{ENDS}{rest.split(ENDS)[1]}"


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
