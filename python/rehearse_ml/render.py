"""New data as the trainer would render it, with the target's own chat template: asked before anything is paid for."""

import re
import time
from itertools import islice
from pathlib import Path

from . import PROTOCOL
from .chat_template import UnrenderableError
from .conversation_file import Conversation, read_conversations
from .errors import JobError
from .faults import located
from .job import versions
from .layout import RESULT_FILE
from .mixture import BATCH, Tokenization
from .protocol import Events, write_json_atomic
from .results import RenderResult
from .spec import RenderSpec
from .tokenizer import check_tokenizer, load_tokenizer
from .weights import resolve_tokenizer

PHASE = "render the new data"
NAMED = 10
"""Lines of those that cannot be rendered that are named."""
LINE = re.compile(r"n0*(\d+)")
"""How services/data/conversations.ts calls the lines of new data."""


def render(spec: RenderSpec, events: Events) -> Path:
    """Render every conversation and return the path of result.json, which counts them and their tokens.

    Raises JobError `bad_data` that names the conversations that the model's chat template does not take, with the
    reason, `weights_not_found`, `tokenizer_mismatch` and `chat_template` for a tokenizer that is of no use, and
    `bad_spec` for tasks that would be scored on thoughts.
    """
    started = time.monotonic()
    events.progress(PHASE, 0, 1)
    folder = resolve_tokenizer(spec.weights, spec.revision)
    tokenizer = load_tokenizer(folder)
    check_tokenizer(tokenizer, folder)
    if spec.tasks:
        from .thinking import settle  # lm-evaluation-harness takes seconds to load

        settle(spec.thinking, spec.tasks, tokenizer)
    tokenization = Tokenization(tokenizer, keep_thoughts=spec.thoughts == "keep")
    path = Path(spec.conversations)
    problems: list[str] = []
    tokens = trained = control_texts = untrained = done = 0
    total, conversations = sum(1 for _ in read_conversations(path)), read_conversations(path)
    while batch := list(islice(conversations, BATCH)):
        for conversation in batch:
            try:
                with located(_named(conversation)):
                    spans = tokenization.rendered(conversation)
                    ((found, control_text),) = tokenization.encoded([spans])
            except UnrenderableError as error:
                problems.append(f"{_named(conversation)}: {error.reason}")
                continue
            if isinstance(found, str):
                problems.append(f"{_named(conversation)}: {found}")
                continue
            tokens += len(found.ids)
            trained += len(spans.trained)
            untrained += not spans.trained
            control_texts += control_text
        done += len(batch)
        events.progress(PHASE, done, total)
    if problems:
        raise _unrenderable(spec, problems, total)
    result: RenderResult = {
        "protocol": PROTOCOL,
        "kind": "render",
        "conversations": total,
        "answers": trained,
        "untrained": untrained,
        "tokens": tokens,
        "controlTexts": control_texts,
        "seconds": round(time.monotonic() - started, 3),
        "versions": versions("transformers"),
    }
    target = Path(spec.output_dir) / RESULT_FILE
    write_json_atomic(target, result)
    return target


def _named(conversation: Conversation) -> str:
    line = LINE.fullmatch(conversation.name)
    return f"line {line[1]}" if line else conversation.name


def _unrenderable(spec: RenderSpec, problems: list[str], total: int) -> JobError:
    more = f"; and {len(problems) - NAMED} more" if len(problems) > NAMED else ""
    return JobError(
        "bad_data",
        f"{len(problems)} of the {total} conversations of {spec.named} cannot be trained on with the chat template of "
        f"{spec.weights}: {'; '.join(problems[:NAMED])}{more}.",
        "Bring them into the shape that the template takes (a system message may be put before the first question), or "
        "take them out; then start the run again.",
    )
