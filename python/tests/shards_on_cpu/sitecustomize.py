"""Lets accelerate share a model out over processes on a CPU, which it does over accelerators only: for tests.

Python imports this by its name, in every process that has its folder on the path. Everything else is the real thing:
FSDP2's collectives, over gloo, its checkpoints in parts, and the gathering of the weights at the end.
"""

import os

if os.environ.get("ACCELERATE_USE_FSDP") == "true" and "RANK" in os.environ:
    import torch.distributed as dist
    from accelerate.state import PartialState
    from accelerate.utils import DistributedType

    def _gloo_as_if_gpus(*_: object, **__: object) -> tuple[str, DistributedType]:
        if not dist.is_initialized():
            dist.init_process_group("gloo")
        return "gloo", DistributedType.MULTI_GPU

    PartialState._prepare_backend = _gloo_as_if_gpus  # pyrefly: ignore - replaced on purpose
