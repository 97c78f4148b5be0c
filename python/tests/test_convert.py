from pathlib import Path

import pytest
from conftest import RecordedEvents

from rehearse_ml.convert import convert
from rehearse_ml.errors import JobError
from rehearse_ml.spec import ConvertSpec
from rehearse_ml.weights import parameter_count, resolve_weights, weight_files, weights_sha256


def _convert(gguf: Path, output: Path, events: RecordedEvents) -> Path:
    return convert(ConvertSpec.model_validate({"protocol": 1, "gguf": str(gguf), "outputDir": str(output)}), events)


def test_what_is_no_gguf_is_refused_before_anything_is_written(tmp_path: Path, events: RecordedEvents) -> None:
    page = tmp_path / "model.gguf"
    page.write_text("<html>not found</html>")
    for gguf, said in ((tmp_path / "nowhere.gguf", "There is no file"), (page, "is not a GGUF file")):
        with pytest.raises(JobError, match=said) as caught:
            _convert(gguf, tmp_path / "out", events)
        assert caught.value.kind == "weights_not_found"
    assert not (tmp_path / "out").exists()


def test_a_directory_that_holds_something_else_is_left_alone_and_a_finished_one_is_kept(
    tmp_path: Path, real_weights: Path, events: RecordedEvents
) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(JobError, match="not a finished conversion"):
        _convert(tmp_path / "any.gguf", tmp_path, events)

    assert (tmp_path / "notes.txt").read_text() == "mine"
    assert _convert(tmp_path / "any.gguf", real_weights, events) == real_weights.resolve() / "result.json"


def test_the_converted_model_has_all_its_parameters_and_its_own_chat_template(real_weights: Path) -> None:
    assert parameter_count(resolve_weights(str(real_weights), None)) == 134_515_008
    assert "<|im_start|>" in (real_weights / "chat_template.jinja").read_text()


def test_the_hash_of_weights_covers_the_index_s_files_alone(tmp_path: Path) -> None:
    for name in ("model-00002.safetensors", "model-00001.safetensors", "consolidated.safetensors"):
        (tmp_path / name).write_bytes(name.encode())
    everything = weights_sha256(tmp_path)
    (tmp_path / "model.safetensors.index.json").write_text(
        '{"weight_map": {"a": "model-00001.safetensors", "b": "model-00002.safetensors"}}'
    )

    assert [file.name for file in weight_files(tmp_path)] == ["model-00001.safetensors", "model-00002.safetensors"]
    indexed = weights_sha256(tmp_path)
    (tmp_path / "consolidated.safetensors").unlink()
    assert weights_sha256(tmp_path) == indexed != everything
