# SPDX-License-Identifier: Apache-2.0
"""What Linux tells of a process and all its descendants: processor time, memory, threads and sockets."""

import contextlib
import os
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


def tree(pid: int) -> list[int]:
    """The process and its descendants."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(member for child in children for member in tree(int(child)))]


def cpu_seconds(pid: int) -> float:
    """User and system time of the tree so far."""
    return sum(_cpu_seconds(member) for member in tree(pid))


def runnable_seconds(pid: int) -> float:
    """How long the tree has so far waited for a core: what others take of the machine."""
    return sum(_runnable_nanoseconds(member) for member in tree(pid)) / 1e9


def pss_megabytes(pid: int) -> float:
    """Resident memory of the tree; what several processes share counts once (proportional set size)."""
    return sum(_pss_kilobytes(member) for member in tree(pid)) / 1000


def threads(pid: int) -> int:
    return sum(len(list(Path(f"/proc/{member}/task").iterdir())) for member in tree(pid))


def sockets(pid: int) -> int:
    """Open ones of the tree; one that several processes share counts once."""
    found = set()
    for member in tree(pid):
        for descriptor in Path(f"/proc/{member}/fd").iterdir():
            with contextlib.suppress(FileNotFoundError):  # closed meanwhile
                found.add(str(descriptor.readlink()))
    return sum(name.startswith("socket:") for name in found)


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _runnable_nanoseconds(pid: int) -> int:
    """https://docs.kernel.org/scheduler/sched-stats.html#proc-pid-schedstat"""
    return sum(int(task.joinpath("schedstat").read_text().split()[1]) for task in Path(f"/proc/{pid}/task").iterdir())


def _pss_kilobytes(pid: int) -> float:
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1.024
    raise RuntimeError("no Pss in smaps_rollup")
