"""Training under `accelerate launch`: one process, two processes on a CPU, and what is refused before any of it."""

import json
import os
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from accelerate.commands.launch import _validate_launch_command, launch_command_parser
from accelerate.utils.launch import prepare_multi_gpu_env
from conftest import PACKAGE_ROOT, RecordedEvents, Spec, StartJob, make_sft_spec, train
from forked_job import ForkedJob
from safetensors.torch import load_file

from rehearse_ml.errors import JobError
from rehearse_ml.hardware import check_launched
from rehearse_ml.launch import LAUNCHED, launch, read_config
from rehearse_ml.spec import SftSpec

PRESETS = sorted((PACKAGE_ROOT.parent / "config" / "accelerate").glob("*.yaml"))


def _config(path: Path, **changes: object) -> str:
    """Write a configuration of two processes on a CPU, which talk as two GPUs would."""
    config: dict[str, object] = {
        "compute_environment": "LOCAL_MACHINE",
        "distributed_type": "MULTI_GPU",
        "use_cpu": True,
        "num_machines": 1,
        "num_processes": 2,
        "machine_rank": 0,
        "main_process_port": 0,
        "mixed_precision": "no",
        "rdzv_backend": "static",
        "same_network": True,
        **changes,
    }
    path.write_text(yaml.safe_dump(config))
    return str(path)


def _finish(*jobs: ForkedJob) -> list[dict[str, Any]]:
    events = [json.loads(line) for job in jobs for line in job.output().splitlines()]
    assert events, "no event at all"
    return events


SHARDED = {
    "distributed_type": "FSDP",
    "fsdp_config": {
        "fsdp_version": 2,
        "fsdp_auto_wrap_policy": "TRANSFORMER_BASED_WRAP",
        "fsdp_cpu_ram_efficient_loading": True,
        "fsdp_offload_params": False,
        "fsdp_reshard_after_forward": True,
        "fsdp_state_dict_type": "SHARDED_STATE_DICT",
        "fsdp_activation_checkpointing": False,
    },
}
"""As the preset llama-3-70b-fsdp2 has it."""

ON_CPU = {
    "ACCELERATE_TORCH_DEVICE": "cpu",
    "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent / "shards_on_cpu"), str(PACKAGE_ROOT)]),
}


def _launch(start_job: StartJob, spec: Spec) -> list[ForkedJob]:
    """Start `accelerate launch`, which starts two processes."""
    return [start_job("sft", spec, **ON_CPU)]


def _as_launched(start_job: StartJob, spec: Spec) -> list[ForkedJob]:
    """Start two processes in the environment that `accelerate launch` makes for them, without their imports."""
    arguments = launch_command_parser().parse_args(["--config_file", spec["accelerate"], "--module", "rehearse_ml"])
    env: dict[str, str] = prepare_multi_gpu_env(_validate_launch_command(arguments)[0])
    if env.get("ACCELERATE_USE_FSDP") == "true":
        env |= ON_CPU
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = str(listener.getsockname()[1])
    env |= {LAUNCHED: "1", "WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    return [start_job("sft", spec, **{**env, "RANK": rank, "LOCAL_RANK": rank}) for rank in ("0", "1")]


@pytest.fixture(scope="module")
def alone(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Spec:
    """The result of one process that takes as many conversations a step as two do."""
    folder = tmp_path_factory.mktemp("alone")
    return train(
        {**make_sft_spec(tiny_model, folder), "perDeviceBatchSize": 4}, RecordedEvents(folder / "events.jsonl")
    )


@pytest.mark.parametrize(
    ("start_first", "changes"),
    [(_as_launched, {}), (_launch, SHARDED)],
    ids=["the whole model each", "a part of the model each"],
)
def test_two_processes_stop_together_resume_and_reach_the_losses_of_one(
    start_job: StartJob,
    sft_spec: Spec,
    alone: Spec,
    tmp_path: Path,
    start_first: Callable[[StartJob, Spec], list[ForkedJob]],
    changes: dict[str, object],
) -> None:
    spec = {**sft_spec, "accelerate": _config(tmp_path / "two.yaml", **changes)}
    jobs = start_first(start_job, spec)
    before = []
    for line in jobs[0].stdout:
        before.append(json.loads(line))  # nothing else may be printed there
        if before[-1]["type"] == "progress" and before[-1].get("loss") is not None and before[-1]["done"] >= 2:
            for job in jobs:
                os.killpg(job.pid, signal.SIGTERM)
            break
    before += _finish(*jobs)
    assert all(job.returncode != 0 for job in jobs)
    assert [event["kind"] for event in before if event["type"] == "error"] == ["interrupted", "interrupted"]
    checkpoint = next(event for event in reversed(before) if event["type"] == "checkpoint")
    saved = checkpoint["step"]
    parts = sorted(file.name for file in Path(checkpoint["path"]).glob("pytorch_model_fsdp_0/*.distcp"))
    assert parts == (["__0_0.distcp", "__1_0.distcp"] if changes else [])

    after = _finish(*_as_launched(start_job, spec))
    assert after[-1]["type"] == "result"
    steps = [event["done"] for event in after if event.get("phase") == "train"]
    assert steps[0] == saved
    assert steps == sorted(set(steps)), "each step is told once, by the first process"
    result = json.loads(Path(after[-1]["path"]).read_text())
    assert result["processes"] == 2
    assert [point["step"] for point in result["lossCurve"]] == list(range(1, 9))
    # The same 8 conversations a step, in another grouping: equal but for the order of the sums.
    for point, reference in zip(result["lossCurve"], alone["lossCurve"], strict=True):
        assert point["loss"] == pytest.approx(reference["loss"], rel=2e-2)
    trained, expected = (load_file(Path(each["checkpointDir"]) / "model.safetensors") for each in (result, alone))
    assert {name: tensor.shape for name, tensor in trained.items()} == {
        name: tensor.shape for name, tensor in expected.items()
    }


def test_one_process_under_the_launcher_trains_as_without(
    start_job: StartJob, sft_spec: Spec, tmp_path: Path, events: RecordedEvents
) -> None:
    short = {**sft_spec, "maxSteps": 2}
    bare = train({**short, "outputDir": str(tmp_path / "bare")}, events)
    preset = next(path for path in PRESETS if path.stem == "cpu")

    launched = _finish(start_job("sft", {**short, "accelerate": str(preset)}))

    result = json.loads(Path(launched[-1]["path"]).read_text())
    assert result["lossCurve"] == bare["lossCurve"]
    assert result["weightsSha256"] == bare["weightsSha256"]
    again = _finish(start_job("sft", {**short, "accelerate": str(preset)}))
    assert [event["type"] for event in again] == ["result"]


def test_gpus_that_are_not_there_are_told_before_training(sft_spec: Spec, events: RecordedEvents) -> None:
    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    preset = next(path for path in PRESETS if path.stem == "gpu-24gb")

    with pytest.raises(JobError, match=r"gpu-24gb\.yaml trains on 1 GPU a machine; this one has none") as caught:
        train({**sft_spec, "accelerate": str(preset)}, events)

    assert caught.value.kind == "missing_gpu"


@pytest.mark.parametrize(
    ("text", "kind", "said"),
    [
        ("num_processes: 2", "bad_spec", "no distributed_type"),
        ("{", "bad_spec", "cannot be read as YAML"),
        ("distributed_type: DEEPSPEED", "missing_package", "not installed"),
    ],
)
def test_a_configuration_that_cannot_be_used_says_why(tmp_path: Path, text: str, kind: str, said: str) -> None:
    file = tmp_path / "accelerate.yaml"
    file.write_text(text)
    with pytest.raises(JobError) as caught:
        read_config(file)
    assert caught.value.kind == kind
    assert said in caught.value.message


def test_several_machines_want_a_command_that_reaches_them(
    start_job: StartJob, sft_spec: Spec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = {**sft_spec, "accelerate": _config(tmp_path / "a.yaml", num_machines=2, main_process_ip="127.0.0.1")}
    monkeypatch.delenv("REHEARSE_LAUNCHER", raising=False)
    (error,) = _finish(start_job("sft", spec))
    assert error["kind"] == "bad_spec"
    assert "REHEARSE_LAUNCHER" in error["hint"]


def test_each_machine_starts_its_own_processes_under_its_own_number(
    sft_spec: Spec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    became: list[tuple[list[str], dict[str, str]]] = []

    def become(_file: str, command: list[str], environment: dict[str, str]) -> None:
        became.append((command, environment))
        raise SystemExit  # as a process does that has become another

    monkeypatch.setattr(os, "execvpe", become)

    def stay(_from: int, _to: int) -> None:
        """Leave pytest its own stdout."""

    monkeypatch.setattr(os, "dup2", stay)
    handlers = {name: signal.getsignal(name) for name in (signal.SIGTERM, signal.SIGINT)}
    spec = SftSpec.model_validate({**sft_spec, "accelerate": _config(tmp_path / "a.yaml", num_machines=2)})
    spec_file = tmp_path / "spec.json"
    monkeypatch.setenv("REHEARSE_LAUNCHER", "srun --nodes=2")
    try:
        with pytest.raises(JobError, match="nothing here says where the first one is"):
            launch(spec, spec_file, 1)
        monkeypatch.setenv("REHEARSE_MAIN_ADDRESS", "10.0.0.1")
        with pytest.raises(SystemExit):
            launch(spec, spec_file, 1)
        command, environment = became[0]
        assert command == ["srun", "--nodes=2", sys.executable, "-m", "rehearse_ml", "sft", "--spec", str(spec_file)]
        for name, value in environment.items():  # what the command hands on to each machine
            monkeypatch.setenv(name, value)
        with pytest.raises(JobError, match="does not say which machine it is on"):
            launch(spec, spec_file, 1)
        monkeypatch.setenv("SLURM_NODEID", "1")
        with pytest.raises(SystemExit):
            launch(spec, spec_file, 1)
        command = became[1][0]
        assert command[command.index("--machine_rank") + 1] == "1"
        assert command[command.index("--main_process_ip") + 1] == "10.0.0.1"
        assert command[-5:] == ["--module", "rehearse_ml", "sft", "--spec", str(spec_file)]
    finally:
        for name, handler in handlers.items():
            signal.signal(name, handler)


@pytest.mark.parametrize("preset", PRESETS, ids=lambda path: str(path.stem))
def test_accelerate_itself_reads_every_preset(preset: Path) -> None:
    from accelerate.commands.config.config_args import ClusterConfig, load_config_from_file

    loaded = load_config_from_file(str(preset))
    config = yaml.safe_load(preset.read_text())
    assert isinstance(loaded, ClusterConfig)
    assert (loaded.num_processes, loaded.num_machines) == (config["num_processes"], config["num_machines"])
    assert config["num_processes"] % config["num_machines"] == 0
    assert str(loaded.distributed_type).endswith(config["distributed_type"])


def test_too_few_gpus_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 4)
    config: dict[str, object] = {"num_processes": 16, "num_machines": 2}
    with pytest.raises(JobError, match="trains on 8 GPUs a machine; this one has 4"):
        check_launched(config, torch.device("cuda", 0), "x.yaml")
    check_launched({"num_processes": 8, "num_machines": 2}, torch.device("cuda", 0), "x.yaml")
