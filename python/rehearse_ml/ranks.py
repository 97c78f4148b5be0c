"""Which of a launched training's processes this is. Without a launcher it is the only one."""

import os

import torch
import torch.distributed as dist


def local_rank() -> int:
    """Return its number on this machine, which is that of its GPU."""
    return int(os.environ.get("LOCAL_RANK", "0"))


def any_rank(here: bool, device: torch.device) -> bool:
    """Tell whether it holds on any process. Every process must ask at the same point, or all wait."""
    if not dist.is_initialized() or dist.get_world_size() == 1:
        return here
    flag = torch.tensor(int(here), device=device)
    dist.all_reduce(flag, op=dist.ReduceOp.MAX)
    return bool(flag.item())


def how_many() -> int:
    """Return the number of processes that train together."""
    return dist.get_world_size() if dist.is_initialized() else 1


def all_here() -> None:
    """Wait until every process has come to this point."""
    if dist.is_initialized() and dist.get_world_size() > 1:
        dist.barrier()
