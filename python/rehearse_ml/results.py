"""What the jobs write for their caller: `result.json` of each command, and the files that it names.

The caller reads them by the schemas in services/python/python-protocol.ts; test/ties compares the two. Sums and counts
are over all processes of a job. Losses are in nats.
"""

from typing import Literal, NotRequired

from typing_extensions import TypedDict  # typing's is not introspected by pydantic before Python 3.12

from .conversations import Message

Metrics = dict[str, float]
"""Values by the names of lm-evaluation-harness' metrics."""
Errors = dict[str, float | None]
"""Their standard errors; null where one cannot be estimated."""
Versions = dict[str, str]
"""Versions of the packages that a job used."""


class ConvertResult(TypedDict):
    """Weights made from a GGUF file, in the same directory as this result."""

    protocol: Literal[1]
    kind: Literal["convert"]
    gguf: str
    parameters: int
    seconds: float
    versions: Versions
    weightsSha256: str


class LossPoint(TypedDict):
    """One logged optimizer step: the mean loss of a token since the last one."""

    step: int
    loss: float
    learningRate: float
    gradNorm: float | None


class EvalPoint(TypedDict):
    """The loss on the evaluation mixture after a step; null where it is no number."""

    step: int
    loss: float | None


class SftResult(TypedDict):
    """A training. `tokens` and `trainedTokens` are of one pass over the training set.

    `unrenderable` counts conversations that the chat template does not take, by reason, and `controlTexts` those in
    whose words a control token is written; `thoughtsKept` and `thoughtsLeftOut` are answers that had thoughts.
    """

    protocol: Literal[1]
    kind: Literal["sft"]
    checkpointDir: str
    processes: int
    steps: int
    examples: int
    tokens: int
    trainedTokens: int
    truncated: int
    dropped: int
    unrenderable: NotRequired[dict[str, int]]
    controlTexts: NotRequired[int]
    thoughtsKept: NotRequired[int]
    thoughtsLeftOut: NotRequired[int]
    lossCurve: list[LossPoint]
    evalCurve: list[EvalPoint]
    seconds: float
    versions: Versions
    weightsSha256: str


class RenderResult(TypedDict):
    """Conversations that the chat template of a model takes. `untrained` have no answer that is to be learned."""

    protocol: Literal[1]
    kind: Literal["render"]
    conversations: int
    answers: int
    untrained: int
    tokens: int
    controlTexts: int
    seconds: float
    versions: Versions


class InterpolateResult(TypedDict):
    """Weights between two models; `weight` is the part of the trained one."""

    protocol: Literal[1]
    kind: Literal["interpolate"]
    checkpointDir: str
    weight: float
    seconds: float
    versions: Versions
    weightsSha256: str


class WeightsResult(TypedDict):
    """What weights are by their content. `revision` is the hub's commit, null for a local directory."""

    protocol: Literal[1]
    kind: Literal["weights"]
    path: str
    sha256: str
    revision: str | None
    seconds: float


class PrimaryMetric(TypedDict):
    """The metric that a task is known by, from 0 to 1."""

    name: str
    value: float
    stderr: float | None


class TaskScore(TypedDict):
    """One task. `normalized` is the leaderboard's 0 to 100; `fewshot` the number of examples in a prompt.

    `generated` counts answers that the model wrote, `cut` those of them that the token limit ended, within a thought or
    behind it; absent where given answers are scored, or where nobody here can count tokens.
    """

    task: str
    metrics: Metrics
    stderr: Errors
    primary: PrimaryMetric
    normalized: float
    documents: int
    requests: int
    fewshot: int | None
    subtasks: dict[str, Errors]
    seconds: NotRequired[float]
    generated: NotRequired[int]
    cut: NotRequired[int]


class Sample(TypedDict):
    """What became of one document. `rules` and `rulesKept` where the task counts such (IFEval)."""

    docId: str
    docHash: str
    promptHash: str
    correct: bool | None
    score: float | None
    rules: NotRequired[int | None]
    rulesKept: NotRequired[int | None]
    filteredResponse: str
    target: str


class TaskResult(TaskScore):
    """`tasks/<task>.json`: a task's scores and its documents."""

    samples: list[Sample]


class HeldOutLoss(TypedDict):
    """`losses/<name>.json`: mean loss of the assistant's tokens. `perConversation` is a file of ConversationLoss."""

    name: str
    loss: float
    tokens: int
    conversations: int
    truncated: int
    dropped: int
    perConversation: str


class ConversationLoss(TypedDict):
    """A line of a held-out set's JSONL file: the mean over the tokens of one conversation."""

    id: str
    loss: float
    tokens: int


class EvaluateResult(TypedDict):
    """Tasks and losses of one model. `average` is of the normalised scores, null without tasks."""

    protocol: Literal[1]
    kind: Literal["evaluate"]
    tasks: list[TaskScore]
    average: float | None
    losses: NotRequired[list[HeldOutLoss]]
    seconds: float
    versions: Versions
    weightsSha256: str


class TasksResult(TypedDict):
    """All of these tasks are lm-evaluation-harness'."""

    protocol: Literal[1]
    kind: Literal["tasks"]
    tasks: list[str]
    seconds: float
    versions: Versions


class TrackersResult(TypedDict):
    """All of these trackers can be reported to."""

    protocol: Literal[1]
    kind: Literal["trackers"]
    trackers: list[str]
    seconds: float
    versions: Versions


class DocumentsResult(TypedDict):
    """The questions of an evaluation set; `path` is a file of Document."""

    protocol: Literal[1]
    kind: Literal["documents"]
    path: str
    rows: int
    sha256: str
    seconds: float
    versions: Versions


class Document(TypedDict):
    """A line of it: one question."""

    id: str
    text: str


class DatasetsResult(TypedDict):
    """Conversations drawn from a data set; `conversations` is a file of DrawnConversation.

    `read` counts the rows that were looked at, `malformed` those that are no conversation by what is wrong with them.
    """

    protocol: Literal[1]
    kind: Literal["datasets"]
    conversations: str
    rows: int
    read: int
    malformed: dict[str, int]
    trailingUserTurnsCut: int
    revision: str | None
    licence: str | None
    sha256: str
    seconds: float
    versions: Versions


class RawRow(TypedDict):
    """A line of it where rows are asked for as they are; `index` is their place in their split or file."""

    part: str
    index: int
    row: object


class DrawnConversation(TypedDict):
    """A line of it."""

    id: str
    messages: list[Message]
