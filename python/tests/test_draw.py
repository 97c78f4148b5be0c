"""Conversations drawn from local files and from a fake hub: a directory laid out like a repository."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import datasets
import httpx2
import pytest
from conftest import RecordedEvents, Spec
from huggingface_hub.errors import GatedRepoError, OfflineModeIsEnabled, RevisionNotFoundError

from rehearse_ml import hub_source, row_sources
from rehearse_ml.draw import draw
from rehearse_ml.errors import JobError
from rehearse_ml.job import Interruption
from rehearse_ml.spec import DatasetsSpec, load_spec

MESSAGES = {"kind": "messages", "column": "messages"}
COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture(autouse=True)
def private_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "hf-cache")
    # It waits that long for threads at the end of each stream.
    monkeypatch.setattr(datasets.config, "SLEEP_TIME_ON_THREADS_SHUTDOWN", 0.05)


def conversation(n: int, **columns: object) -> dict[str, Any]:
    return {
        **columns,
        "messages": [{"role": "user", "content": f"Question {n}?"}, {"role": "assistant", "content": f"Answer {n}."}],
    }


def write(path: Path, rows: list[Any]) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".parquet":
        datasets.Dataset.from_list(rows).to_parquet(path, batch_size=10)
    else:
        path.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows))
    return str(path)


def from_files(folder: Path, files: list[str], count: int, seed: int = 0, schema: Spec | None = None) -> Spec:
    source = {"from": "files", "files": files}
    return _spec(folder, source, count, seed, schema or MESSAGES)


def from_hub(folder: Path, hub: Path, count: int, seed: int = 0, **source: object) -> Spec:
    base: Spec = {"from": "hub", "hub": str(hub), "revision": None, "config": None, "splits": [], "streaming": False}
    return _spec(folder, {**base, **source}, count, seed, MESSAGES)


def _spec(folder: Path, source: Spec, count: int, seed: int, schema: Spec) -> Spec:
    return {"protocol": 1, "outputDir": str(folder), "source": source, "schema": schema, "count": count, "seed": seed}


def run(spec: Spec, events: RecordedEvents) -> tuple[Spec, list[dict[str, Any]]]:
    Path(spec["outputDir"]).mkdir(exist_ok=True)
    result = json.loads(draw(DatasetsSpec.model_validate(spec), events, Interruption()).read_text())
    rows = [json.loads(line) for line in Path(result["conversations"]).read_text().splitlines()]
    assert result["rows"] == len(rows) == len({row["id"] for row in rows})
    return result, rows


def ids(rows: list[dict[str, Any]]) -> list[str]:
    return [row["id"] for row in rows]


def fake_hub(monkeypatch: pytest.MonkeyPatch, answer: object, asked: list[str | None] | None = None) -> None:
    class FakeApi:
        def dataset_info(self, hub: str, *, revision: str | None) -> object:
            if asked is not None:
                asked.append(revision)
            if isinstance(answer, Exception):
                raise answer
            return answer

    monkeypatch.setattr(hub_source, "HfApi", FakeApi)


def card(licence: object = "mit") -> SimpleNamespace:
    return SimpleNamespace(sha=COMMIT, card_data=SimpleNamespace(license=licence))


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Two splits of 30 and 90 rows, Parquet with a card, as the hub serves them."""
    root = tmp_path / "some-org" / "some-set"
    for split, rows in (("small", range(30)), ("large", range(30, 120))):
        write(root / "data" / f"{split}.parquet", [conversation(n, id=f"r{n}", extra=n) for n in rows])
    (root / "README.md").write_text(
        "---\nlicense: mit\nconfigs:\n- config_name: default\n  data_files:\n"
        "  - split: small\n    path: data/small.parquet\n  - split: large\n    path: data/large.parquet\n---\n"
    )
    return root


def test_rows_are_given_as_they_are_with_their_place(tmp_path: Path, events: RecordedEvents) -> None:
    rows = [{"prompt": f"Q{n}", "completion": f"A{n}", "extra": [n]} for n in range(5)]
    files = [write(tmp_path / "a.jsonl", rows), write(tmp_path / "b.parquet", rows)]
    spec = from_files(tmp_path / "out", files, 100, schema={"kind": "raw"})
    Path(spec["outputDir"]).mkdir()
    result = json.loads(draw(DatasetsSpec.model_validate(spec), events, Interruption()).read_text())
    drawn = [json.loads(line) for line in Path(result["conversations"]).read_text().splitlines()]
    found = sorted((row["part"], row["index"], row["row"]["completion"], row["row"]["extra"]) for row in drawn)
    assert found == [(part, n, f"A{n}", [n]) for part in ("a", "b") for n in range(5)]


def test_prompts_and_completions_are_conversations(tmp_path: Path, events: RecordedEvents) -> None:
    asked, answered = {"role": "user", "content": "Q1"}, {"role": "assistant", "content": "A1"}
    rows: list[Any] = [
        {"prompt": "Q0", "completion": "A0"},
        {"prompt": [asked], "completion": [answered]},
        {"prompt": "Q2", "completion": ""},
    ]
    files = [write(tmp_path / "a.jsonl", rows)]
    result, drawn = run(from_files(tmp_path / "out", files, 5, schema={"kind": "prompt-completion"}), events)
    assert sorted(row["messages"][1]["content"] for row in drawn) == ["A0", "A1"]
    assert result["malformed"] == {"a turn without text": 1}


def test_what_replay_cannot_hold_is_counted_and_not_trained_as_something_else(
    tmp_path: Path, events: RecordedEvents
) -> None:
    call = {"role": "assistant", "content": "I look.", "tool_calls": [{"function": {"name": "f", "arguments": "{}"}}]}
    unweighted = [{"role": "user", "content": "Q"}, {"role": "assistant", "content": "A", "weight": 0}]
    parts = [{"role": "user", "content": [{"type": "text", "text": "Q"}]}, {"role": "assistant", "content": "A"}]
    rows: list[Any] = [{"messages": [unweighted[0], call]}, {"messages": unweighted}, {"messages": parts}]
    files = [write(tmp_path / "a.jsonl", rows)]
    result, drawn = run(from_files(tmp_path / "out", files, 5), events)
    assert [row["messages"][0]["content"] for row in drawn] == ["Q"]
    assert result["malformed"] == {"a turn that is not to be trained": 1, "tool calls": 1}


def test_malformed_rows_are_counted_and_the_next_drawn_takes_their_place(
    tmp_path: Path, events: RecordedEvents
) -> None:
    rows = [conversation(0, id="a"), "{broken", conversation(1), {"messages": "none"}, "", conversation(2, id="a")]
    files = [write(tmp_path / "set.jsonl", rows)]
    for seed in range(5):
        assert run(from_files(tmp_path / f"two-{seed}", files, 2, seed), events)[0]["rows"] == 2
    result, drawn = run(from_files(tmp_path / "out", files, 4), events)
    assert (result["rows"], result["read"]) == (3, 5)
    assert result["malformed"] == {"no list of turns in messages": 1, "not JSON": 1}
    assert result["trailingUserTurnsCut"] == 0
    assert sorted(ids(drawn)) == ["a", "a.2", "set:2"]
    assert (result["revision"], result["licence"]) == (None, None)


def test_the_seed_draws_and_a_smaller_draw_begins_a_larger_one(tmp_path: Path, events: RecordedEvents) -> None:
    files = [write(tmp_path / "set.jsonl", [conversation(n, id=n) for n in range(50)])]
    _, ten = run(from_files(tmp_path / "ten", files, 10), events)
    _, twenty = run(from_files(tmp_path / "twenty", files, 20), events)
    _, other = run(from_files(tmp_path / "other", files, 10, seed=1), events)
    assert twenty[:10] == ten
    assert ids(ten) != sorted(ids(ten), key=int)
    assert set(ids(other)) != set(ids(ten))


def test_every_row_is_as_likely_as_another(tmp_path: Path) -> None:
    parts = [row_sources.JsonLines(Path(write(tmp_path / f"{n}.jsonl", [f"[{n}]"] * n))) for n in (1, 9)]
    first = [next(row_sources.draw_from_parts(parts, seed)).part for seed in range(2_000)]
    assert 140 <= first.count("1") <= 260  # 200 expected, 13.4 the standard deviation


def test_jsonl_and_parquet_files_are_one_set_and_their_names_part_of_ids(
    tmp_path: Path, events: RecordedEvents
) -> None:
    files = [
        write(tmp_path / "one.jsonl", [conversation(0, id="x y"), conversation(1)]),
        write(tmp_path / "two.parquet", [conversation(2, id="x y"), conversation(3, id="z")]),
    ]
    result, drawn = run(from_files(tmp_path / "out", files, 9), events)
    names = sorted(ids(drawn))
    assert names[0].startswith("one:1")
    assert [name.rsplit("-", 1)[0] for name in names[1:]] == ["one:x_y", "two:x_y", "two:z"]
    assert result["rows"] == 4
    assert [event["level"] for event in events.read() if event["type"] == "log"] == ["warning"]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "conversations.jsonl",
        "result.json",
        "spec.json",
    ]


def test_a_second_run_reads_nothing_and_a_changed_file_is_another_spec(tmp_path: Path, events: RecordedEvents) -> None:
    file = tmp_path / "set.jsonl"
    spec = from_files(tmp_path / "out", [write(file, [conversation(n) for n in range(3)])], 2)
    _, first = run(spec, events)
    seen = len(events.read())
    assert run(spec, events)[1] == first
    assert len(events.read()) == seen
    (tmp_path / "out" / "conversations.jsonl").write_text("{}\n")
    assert run(spec, events)[1] == first
    write(file, [conversation(9)])
    with pytest.raises(JobError, match="these differ: source"):
        run(spec, events)


@pytest.mark.parametrize("streaming", [False, True])
def test_a_hub_set_is_read_at_its_commit_with_all_its_splits(
    repository: Path, tmp_path: Path, events: RecordedEvents, monkeypatch: pytest.MonkeyPatch, streaming: bool
) -> None:
    fake_hub(monkeypatch, card())
    result, drawn = run(from_hub(tmp_path / "out", repository, 120, streaming=streaming), events)
    assert (result["revision"], result["licence"], result["read"]) == (COMMIT, "mit", 120)
    expected = [f"small:r{n}" for n in range(30)] + [f"large:r{n}" for n in range(30, 120)]
    assert sorted(ids(drawn)) == sorted(expected)
    assert ids(drawn) != expected
    again, other = tmp_path / "again", tmp_path / "other"
    assert run(from_hub(again, repository, 120, streaming=streaming), events)[1] == drawn
    assert run(from_hub(other, repository, 120, seed=1, streaming=streaming), events)[1] != drawn


def test_a_stream_of_many_row_groups_is_drawn_from_all_over_the_split(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, events: RecordedEvents
) -> None:
    monkeypatch.setattr(row_sources, "BUFFER_ROWS", 20)
    write(tmp_path / "set" / "train.parquet", [conversation(n, id=n) for n in range(1_000)])
    fake_hub(monkeypatch, card())
    _, drawn = run(from_hub(tmp_path / "out", tmp_path / "set", 100, streaming=True), events)
    places = [int(name) for name in ids(drawn)]
    assert max(places) > 500
    assert sum(place < 100 for place in places) < 50


def test_a_row_without_a_name_of_its_own_is_named_by_its_content_in_a_stream(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, events: RecordedEvents
) -> None:
    write(tmp_path / "set" / "train.jsonl", [conversation(0), conversation(1), conversation(1)])
    fake_hub(monkeypatch, card())
    one = sorted(ids(run(from_hub(tmp_path / "a", tmp_path / "set", 3, streaming=True), events)[1]))
    two = sorted(ids(run(from_hub(tmp_path / "b", tmp_path / "set", 3, seed=5, streaming=True), events)[1]))
    assert one == two
    assert all(name.startswith("train:") for name in one)


def test_splits_choose_and_an_unknown_one_is_told_with_those_there_are(
    repository: Path, tmp_path: Path, events: RecordedEvents, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_hub(monkeypatch, card(licence=["odc-by", "cc-by-nc-4.0"]))
    result, drawn = run(from_hub(tmp_path / "out", repository, 500, splits=["small"]), events)
    assert sorted(ids(drawn)) == sorted(f"r{n}" for n in range(30))
    assert result["licence"] == "odc-by, cc-by-nc-4.0"
    with pytest.raises(JobError, match="has no split train; it has small, large") as caught:
        run(from_hub(tmp_path / "other", repository, 5, splits=["train"]), events)
    assert caught.value.kind == "bad_spec"


def test_a_resumed_job_reads_the_commit_that_it_began_with(
    repository: Path, tmp_path: Path, events: RecordedEvents, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str | None] = []
    fake_hub(monkeypatch, card(licence=None), asked)
    spec = from_hub(tmp_path / "out", repository, 5)
    first, _ = run(spec, events)
    (tmp_path / "out" / "result.json").unlink()
    fake_hub(monkeypatch, SimpleNamespace(sha="f" * 40, card_data=None), asked)
    again, _ = run(spec, events)
    assert first["revision"] == again["revision"] == COMMIT
    assert first["licence"] is None
    assert asked == [None]


def _response(status: int) -> httpx2.Response:
    return httpx2.Response(status, request=httpx2.Request("GET", "https://hub.test"))


@pytest.mark.parametrize(
    ("error", "kind", "hint"),
    [
        (GatedRepoError("gated", response=_response(403)), "dataset_not_found", "HF_TOKEN"),
        (RevisionNotFoundError("no", response=_response(404)), "dataset_not_found", "revision"),
        (OfflineModeIsEnabled("offline"), "hub_unreachable", "network"),
        (httpx2.ConnectError("no route"), "hub_unreachable", "network"),
    ],
)
def test_what_the_hub_refuses_is_told_with_the_way_out(
    error: Exception,
    kind: str,
    hint: str,
    tmp_path: Path,
    events: RecordedEvents,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fake_hub(monkeypatch, error)
    with pytest.raises(JobError, match=r"the data set .*/some-set at revision v1|The data set") as caught:
        run(from_hub(tmp_path / "out", Path("some-org/some-set"), 5, revision="v1"), events)
    assert caught.value.kind == kind
    assert hint in caught.value.hint
    assert "local files" in caught.value.hint


def test_a_config_that_is_not_there_is_told_with_those_there_are(
    repository: Path, tmp_path: Path, events: RecordedEvents, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_hub(monkeypatch, card())
    with pytest.raises(JobError, match="default") as caught:
        run(from_hub(tmp_path / "out", repository, 5, config="other"), events)
    assert caught.value.kind == "bad_data"


def test_a_schema_that_fits_no_row_ends_early_and_says_what_was_wrong(tmp_path: Path, events: RecordedEvents) -> None:
    file = write(tmp_path / "set.jsonl", [conversation(n) for n in range(3_000)])
    spec = from_files(tmp_path / "out", [file], 5, schema={"kind": "sharegpt", "column": "conversations"})
    with pytest.raises(
        JobError, match=r"None of the 1000 rows .* no list of turns in conversations \(1000\)"
    ) as caught:
        run(spec, events)
    assert caught.value.kind == "bad_data"
    assert not (tmp_path / "out" / "conversations.jsonl").exists()


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("set.csv", "a,b", "neither .jsonl nor .parquet"),
        ("set.parquet", "not parquet", "cannot be read as Parquet"),
        ("set.jsonl", "", "None of the 0 rows"),
    ],
)
def test_a_file_that_cannot_be_read_is_bad_data(
    name: str, content: str, said: str, tmp_path: Path, events: RecordedEvents
) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(JobError, match=said) as caught:
        run(from_files(tmp_path / "out", [str(tmp_path / name)], 5), events)
    assert caught.value.kind == "bad_data"


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ({"from": "files", "files": []}, "files"),
        ({"from": "web", "files": ["a"]}, "source"),
        ({"from": "files", "files": ["a"], "revison": "x"}, "unknown key source.files.revison"),
        ({"from": "hub", "hub": "a/b"}, "revision is missing"),
    ],
)
def test_a_bad_source_is_told_by_its_key(source: Spec, said: str, tmp_path: Path) -> None:
    path = tmp_path / "spec.json"
    path.write_text(json.dumps(_spec(tmp_path / "out", source, 5, 0, MESSAGES)))
    with pytest.raises(JobError, match=said) as caught:
        load_spec(DatasetsSpec, path)
    assert caught.value.kind == "bad_spec"
