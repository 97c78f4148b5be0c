"""Starts a training under `accelerate launch`, which makes one process a device out of this one.

This module is imported before anything heavy: the launched processes import the rest.
"""

import importlib.util
import json
import os
import signal
import sys
from pathlib import Path
from typing import NoReturn

import yaml

from .errors import JobError
from .layout import RESULT_FILE
from .spec import SftSpec

LAUNCHED = "REHEARSE_LAUNCHED"
"""Set for the processes that a launcher made."""

LAUNCHER = "REHEARSE_LAUNCHER"
"""A command that runs what follows it once on every machine, such as `srun --nodes=3 --ntasks-per-node=1`."""

MACHINE_RANKS = ("REHEARSE_MACHINE_RANK", "SLURM_NODEID", "OMPI_COMM_WORLD_RANK", "PMI_RANK")
"""Where such a command says which machine it is on."""

MAIN_ADDRESS = "REHEARSE_MAIN_ADDRESS"
"""Address of the first machine, unless the configuration has it."""

ON_EACH_MACHINE = "REHEARSE_ON_EACH_MACHINE"


def rank() -> int:
    """Return the number of this process among all of the training's; 0 where it is the only one."""
    return int(os.environ.get("RANK", "0"))


def needs_launch(spec: SftSpec) -> bool:
    """Tell whether this process should become a launcher: it is none yet, and the result is not there."""
    finished = (Path(spec.output_dir) / RESULT_FILE).exists()
    return spec.accelerate is not None and LAUNCHED not in os.environ and not finished


def launch(spec: SftSpec, spec_file: Path, stdout: int) -> NoReturn:
    """Become `accelerate launch` of the same job; `stdout` is the descriptor of the real one.

    The launcher ignores SIGTERM and SIGINT: they are sent to the whole process group, the trainers save a checkpoint
    when they get them, and it ends after them. Raises JobError for a configuration that cannot be used.
    """
    if spec.accelerate is None:
        raise ValueError("the spec has no accelerate configuration")
    config_file = Path(spec.accelerate).resolve()
    config = read_config(config_file)
    machines = int(str(config.get("num_machines", 1)))
    environment = dict(os.environ)
    job = [sys.executable, "-m", "rehearse_ml", "sft", "--spec", str(spec_file.resolve())]
    launcher = os.environ.get(LAUNCHER, "").split()
    if machines > 1 and ON_EACH_MACHINE not in environment:
        if not launcher:
            raise JobError(
                "bad_spec",
                f"{config_file.name} trains on {machines} machines, and nothing here says how to reach them.",
                f"Set {LAUNCHER} for the GPU worker to a command that runs what follows it once on every machine, such "
                f'as "srun --nodes={machines} --ntasks-per-node=1", or choose a configuration for one machine.',
            )
        if not config.get("main_process_ip") and MAIN_ADDRESS not in environment:
            raise JobError(
                "bad_spec",
                f"{config_file.name} trains on {machines} machines, and nothing here says where the first one is.",
                f"Set {MAIN_ADDRESS} for the GPU worker to its address, or main_process_ip in the configuration.",
            )
        environment[ON_EACH_MACHINE] = "1"
        _become([*launcher, *job], environment, stdout)
    environment[LAUNCHED] = "1"
    # torch's launcher would pass a signal on and kill after 30 s, in the midst of a large checkpoint.
    environment["TORCHELASTIC_SIGNALS_TO_HANDLE"] = "SIGQUIT"
    arguments = ["-m", "accelerate.commands.launch", "--config_file", str(config_file)]
    if machines > 1:
        arguments += ["--machine_rank", _machine_rank(environment)]
        if MAIN_ADDRESS in environment:
            arguments += ["--main_process_ip", environment[MAIN_ADDRESS]]
    _become([sys.executable, *arguments, "--module", *job[2:]], environment, stdout)


def read_config(path: Path) -> dict[str, object]:
    """Return an accelerate configuration. Raises JobError `bad_spec`, and `missing_package` for DeepSpeed's."""
    try:
        config = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise JobError("bad_spec", f"{path} cannot be read as YAML: {error}", "Check train.accelerate.") from error
    if not isinstance(config, dict) or "distributed_type" not in config:
        raise JobError(
            "bad_spec",
            f"{path} is no accelerate configuration: it has no distributed_type.",
            "Write one with `accelerate config`, or name one of the presets.",
        )
    if config["distributed_type"] == "DEEPSPEED" and importlib.util.find_spec("deepspeed") is None:
        raise JobError(
            "missing_package",
            f"{path.name} trains with DeepSpeed, which is not installed: it is built for the CUDA of its machine.",
            f"Install it on the GPU workers (uv pip install --python {sys.executable} --no-build-isolation deepspeed), "
            "or choose an FSDP configuration.",
        )
    return {str(key): value for key, value in config.items()}


def _machine_rank(environment: dict[str, str]) -> str:
    for name in MACHINE_RANKS:
        if name in environment:
            return environment[name]
    raise JobError(
        "bad_spec",
        f"{environment.get(LAUNCHER)} does not say which machine it is on: none of {', '.join(MACHINE_RANKS)} is set.",
        f"Have it set {MACHINE_RANKS[0]} to 0 on the first machine, 1 on the next, and so on.",
    )


def _become(command: list[str], environment: dict[str, str], stdout: int) -> NoReturn:
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, signal.SIG_IGN)
    sys.stderr.flush()
    os.dup2(stdout, 1)
    try:
        os.execvpe(command[0], command, environment)
    except OSError as error:
        raise JobError(
            "bad_spec", f"{json.dumps(command[0])} cannot be run: {error.strerror}.", f"Correct {LAUNCHER}."
        ) from error
