"""The specs that the caller writes, one JSON file a job, checked before anything heavy is imported."""

import difflib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, ClassVar, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from . import PROTOCOL
from .errors import JobError
from .leaderboard import TaskName
from .protocol import JsonValue

Text = Annotated[str, Field(min_length=1)]
Count = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(ge=0, lt=1)]
Date = Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")]
"""What a chat template is told is today."""
Dtype = Literal["float32", "bfloat16"]


class _Strict(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class _JobSpec(_Strict):
    # Keys that do not determine the result: they may differ between a job and its resumption. What lies at a path
    # counts, not the path; the jobs add hashes of it.
    incidental: ClassVar[frozenset[str]] = frozenset(
        {
            "threads",
            "loggingSteps",
            "outputDir",
            "weights",
            "revision",
            "mixture",
            "evalMixture",
            "prompts",
            "accelerate",
        }
        | {"reportTo", "runName"}
        | {"hashes", "contentSha256", "endpoint", "vllm", "batchSize"}
    )

    protocol: int
    output_dir: Text

    def identity(self) -> dict[str, JsonValue]:
        """Return the part of the spec that determines the result."""
        dumped = self.model_dump(by_alias=True, mode="json")
        return {key: value for key, value in dumped.items() if key not in self.incidental}


class ConvertSpec(_JobSpec):
    """GGUF file in, directory with safetensors, tokenizer and chat template out."""

    gguf: Text


class LoraSpec(_Strict):
    """Low-rank adapters; no `targets` means all linear layers but the output's. `quantize` is QLoRA."""

    rank: Count
    alpha: Count
    dropout: Share
    targets: Annotated[list[Text], Field(min_length=1)] | None
    quantize: bool


Tracker = Literal["trackio", "wandb", "mlflow", "tensorboard"]


class OsfSpec(_Strict):
    """Orthogonal subspace fine-tuning: the leading part of each matrix' singular directions is kept as it is.

    `effective_rank` is that part, 0 to 1 of the smaller dimension (peft's name); no `targets` means as for adapters.
    """

    effective_rank: Annotated[float, Field(gt=0, lt=1)]
    targets: Annotated[list[Text], Field(min_length=1)] | None


class SdftSpec(_Strict):
    """Self-distillation: for each question `generations` answers of at most `max_tokens` tokens are sampled."""

    generations: Count
    max_tokens: Count
    temperature: Annotated[float, Field(gt=0)]


class DistillSpec(_Strict):
    """On-policy distillation behind the training: the model answers, and learns what `weights` would have written.

    One answer of at most `max_tokens` tokens to each question; the loss is the reverse KL divergence.
    """

    learning_rate: Annotated[float, Field(gt=0)]
    epochs: Annotated[float, Field(gt=0)]
    max_steps: Count | None
    max_tokens: Count
    temperature: Annotated[float, Field(gt=0)]


class SftSpec(_JobSpec):
    """Fine-tuning, by any method, of `weights` (directory or hub id) on the conversations of `mixture`.

    With `distill`, the questions of `prompts` (a file as `mixture`) come after it.
    """

    weights: Text
    revision: Text | None
    mixture: Text
    eval_mixture: Text | None
    learning_rate: Annotated[float, Field(gt=0)]
    epochs: Annotated[float, Field(gt=0)]
    max_steps: Count | None
    per_device_batch_size: Count
    gradient_accumulation: Count
    max_length: Annotated[int, Field(ge=8)]
    packing: bool
    scheduler: Literal["linear", "cosine", "constant", "constant_with_warmup", "inverse_sqrt"]
    warmup_ratio: Share
    weight_decay: Annotated[float, Field(ge=0)]
    seed: Annotated[int, Field(ge=0, lt=2**32)]
    dtype: Dtype
    gradient_checkpointing: bool
    save_steps: Count
    logging_steps: Count
    threads: Count | None
    eval_steps: Count | None = None
    lora: LoraSpec | None = None
    osf: OsfSpec | None = None
    sdft: SdftSpec | None = None
    distill: DistillSpec | None = None
    prompts: Text | None = None
    accelerate: Text | None = None
    thoughts: Literal["drop", "keep"] | None = None
    date: Date | None = None
    report_to: list[Tracker] = []
    run_name: Text | None = None

    def identity(self) -> dict[str, JsonValue]:
        """Leave out what is not asked for, as in directories from before it could be."""
        later = ("lora", "osf", "sdft", "distill", "evalSteps", "thoughts", "date")
        return {key: value for key, value in super().identity().items() if key not in later or value is not None}


class EvaluateTask(_Strict):
    """A leaderboard task, or any other task or group of lm-evaluation-harness by its name there.

    `data` maps the leaderboard data set's split names to local JSONL files, null means the hub's. `metric` and
    `random_baseline` are for other tasks: what is reported, and what guessing scores.
    """

    task: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")]
    data: dict[Text, Text] | None
    limit: Count | None
    num_fewshot: Annotated[int, Field(ge=0)] | None
    max_gen_toks: Count | None
    subset: Literal["diamond", "extended", "main"] | None = None
    metric: Text | None = None
    random_baseline: Share | None = None


class HeldOut(_Strict):
    """Conversations (JSONL) that were not trained on, whose loss tells what is forgotten before scores do."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")]
    conversations: Text
    max_length: Annotated[int, Field(ge=8)] = 4096
    thoughts: Literal["drop", "keep"] | None = None


class Endpoint(_Strict):
    """An OpenAI-compatible API; `chat` where it has /chat/completions only. The key is in an environment variable."""

    base_url: Annotated[str, Field(alias="baseURL", pattern=r"^https?://")]
    model: Text
    api_key_env: Text | None
    chat: bool


class Thinking(_Strict):
    """Whether the model may think before it answers, and what it writes behind a thought; null for its template's."""

    mode: Literal["off", "on"]
    end_token: Text | None = None


class Vllm(_Strict):
    """How vLLM's engine is started."""

    tensor_parallel: Count = 1
    gpu_memory_utilization: Annotated[float, Field(gt=0, le=1)] = 0.9
    max_model_len: Count | None = None


class EvaluateSpec(_JobSpec):
    """The tasks to run on `weights` (directory or hub id), and the conversations to take the loss of.

    `content_sha256` is what the caller takes the weights for (see `weights.content_sha256`): others are refused.
    `hashes` is a file of this machine that spares hashing the same files again. Behind an `endpoint`, the weights are
    only its tokenizer, null where it is a chat API, and `content_sha256` stands for the model.
    """

    weights: Text | None
    revision: Text | None
    backend: Literal["transformers", "vllm"] = "transformers"
    vllm: Vllm = Vllm()
    endpoint: Endpoint | None = None
    content_sha256: Text | None = None
    hashes: Text | None = None
    tasks: list[EvaluateTask]
    losses: list[HeldOut] = []
    batch_size: Count
    dtype: Dtype
    seed: Annotated[int, Field(ge=0, lt=2**32)]
    threads: Count | None
    thinking: Thinking | None = None
    date: Date | None = None

    def identity(self) -> dict[str, JsonValue]:
        """Leave out what is not asked for, as in directories from before it could be."""
        return {
            key: value
            for key, value in super().identity().items()
            if key not in ("thinking", "date") or value is not None
        }


class InterpolateSpec(_JobSpec):
    """Weights between `weights` (directory or hub id) and `trained` (directory): `weight` is the part of the latter."""

    incidental: ClassVar[frozenset[str]] = _JobSpec.incidental | {"trained"}

    weights: Text
    revision: Text | None
    trained: Text
    weight: Annotated[float, Field(gt=0, lt=1)]


class WeightsSpec(_JobSpec):
    """Weights (directory or hub id) to be identified by their content."""

    weights: Text
    revision: Text | None
    hashes: Text | None


class RenderSpec(_JobSpec):
    """Conversations to render with the chat template of `weights` (directory or hub id, of which small files do).

    `named` is what errors call them.
    """

    weights: Text
    revision: Text | None
    conversations: Text
    named: Text
    thoughts: Literal["drop", "keep"] | None = None
    tasks: list[EvaluateTask] = []
    thinking: Thinking | None = None
    date: Date | None = None


class TasksSpec(_JobSpec):
    """Names of tasks that lm-evaluation-harness should know."""

    tasks: Annotated[list[Text], Field(min_length=1)]


class TrackersSpec(_JobSpec):
    """Trackers that a training is to report to."""

    trackers: Annotated[list[Tracker], Field(min_length=1)]


class DocumentsSpec(_JobSpec):
    """The questions of one leaderboard task's data set on the hub."""

    task: TaskName


class HubSource(_Strict):
    """A data set of the hub; no `splits` means all, no `revision` the newest."""

    origin: Annotated[Literal["hub"], Field(alias="from")]
    hub: Text
    revision: Text | None
    config: Text | None
    splits: list[Text]
    streaming: bool


class FilesSource(_Strict):
    """Local .jsonl and .parquet files."""

    origin: Annotated[Literal["files"], Field(alias="from")]
    files: Annotated[list[Text], Field(min_length=1)]


class TurnsSchema(_Strict):
    """Rows with a list of turns under `column`: {role, content} of `messages`, {from, value} of `sharegpt`."""

    kind: Literal["messages", "sharegpt"]
    column: Text


class AlpacaSchema(_Strict):
    """Rows of one turn, in the columns instruction, input and output."""

    kind: Literal["alpaca"]


class PromptCompletionSchema(_Strict):
    """Rows of {prompt, completion}: two texts, or two lists of {role, content}."""

    kind: Literal["prompt-completion"]


class RawSchema(_Strict):
    """Rows as they are, with their place, for the caller to look at."""

    kind: Literal["raw"]


RowSchema = TurnsSchema | AlpacaSchema | PromptCompletionSchema | RawSchema


class DatasetsSpec(_JobSpec):
    """As many as `count` conversations, drawn by `seed` from a data set."""

    source: Annotated[HubSource | FilesSource, Field(discriminator="origin")]
    row_schema: Annotated[RowSchema, Field(alias="schema", discriminator="kind")]
    count: Count
    seed: Annotated[int, Field(ge=0, lt=2**32)]


Command = Literal[
    "convert", "sft", "interpolate", "render", "weights", "evaluate", "tasks", "trackers", "documents", "datasets"
]
JobSpec = (
    ConvertSpec
    | SftSpec
    | InterpolateSpec
    | RenderSpec
    | WeightsSpec
    | EvaluateSpec
    | TasksSpec
    | TrackersSpec
    | DocumentsSpec
    | DatasetsSpec
)

SPECS: Mapping[Command, type[JobSpec]] = {
    "convert": ConvertSpec,
    "sft": SftSpec,
    "render": RenderSpec,
    "interpolate": InterpolateSpec,
    "weights": WeightsSpec,
    "evaluate": EvaluateSpec,
    "tasks": TasksSpec,
    "trackers": TrackersSpec,
    "documents": DocumentsSpec,
    "datasets": DatasetsSpec,
}

_NESTED = (LoraSpec, OsfSpec, EvaluateTask, Endpoint, Thinking, Vllm, HeldOut, HubSource, FilesSource, TurnsSchema)

Spec = TypeVar("Spec", bound=_JobSpec)


def load_spec(kind: type[Spec], path: Path) -> Spec:
    """Read and check the spec file at `path`.

    Raises JobError `bad_spec`, whose message names every offending key and what was expected there.
    """
    hint = "Correct the spec; python/README.md lists its keys."
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise JobError("bad_spec", f"There is no spec file at {path}.", "Pass an existing file to --spec.") from error
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise JobError("bad_spec", f"The spec file {path} cannot be read as JSON: {error}", hint) from error
    if not isinstance(raw, dict):
        raise JobError("bad_spec", f"The spec in {path} is not a JSON object.", hint)
    if "protocol" in raw and raw["protocol"] != PROTOCOL:
        raise JobError(
            "bad_spec",
            f"The spec asks for protocol {raw['protocol']!r}, but this rehearse_ml speaks protocol {PROTOCOL}.",
            "Use the rehearse_ml that belongs to the caller's release.",
        )
    try:
        return kind.model_validate(raw)
    except ValidationError as error:
        raise JobError("bad_spec", f"The spec in {path} is wrong: {_describe(error, kind)}.", hint) from error


def _describe(error: ValidationError, kind: type[_JobSpec]) -> str:
    known = [field.alias or name for model in (kind, *_NESTED) for name, field in model.model_fields.items()]
    problems = []
    for detail in error.errors(include_url=False):
        where = ".".join(str(part) for part in detail["loc"])
        if detail["type"] == "extra_forbidden":
            nearest = difflib.get_close_matches(str(detail["loc"][-1]), known, n=1)
            problems.append(f"unknown key {where}" + (f" (did you mean {nearest[0]}?)" if nearest else ""))
        elif detail["type"] == "missing":
            problems.append(f"{where} is missing")
        else:
            expected = detail["msg"][0].lower() + detail["msg"][1:]
            problems.append(f"{where} is {json.dumps(detail['input'], default=str)[:80]}, but {expected}")
    return "; ".join(problems)
