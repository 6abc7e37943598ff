"""What a process costs, seen from outside."""

import os
import sys
from dataclasses import dataclass
from typing import cast

# amqtt brings it; its types are in a package of their own.
import psutil  # type: ignore[import-untyped]


@dataclass(frozen=True, slots=True)
class Cost:
    """Resident memory in KiB, open files, established TCP connections, CPU time in seconds since the start."""

    resident: int
    files: int
    connections: int
    cpu_s: float


def pin(pid: int, core: int) -> None:
    """Keep a process on one core, where there are two, and where the system can."""
    if sys.platform == "linux" and (os.cpu_count() or 1) > 1:
        for thread in psutil.Process(pid).threads():
            os.sched_setaffinity(thread.id, {core})


def resident(pid: int) -> int:
    """Return the resident memory in KiB. Raises ProcessLookupError where there is no such process."""
    try:
        return cast("int", psutil.Process(pid).memory_info().rss) // 1024
    except psutil.NoSuchProcess as error:
        raise ProcessLookupError(pid) from error


def cpu_s(pid: int) -> float:
    """Return the CPU time in seconds. Raises ProcessLookupError where there is no such process."""
    try:
        times = psutil.Process(pid).cpu_times()
    except psutil.NoSuchProcess as error:
        raise ProcessLookupError(pid) from error
    return cast("float", times.user + times.system)


def cost(pid: int) -> Cost:
    """Look at a process; takes a moment where it has many connections. Raises ProcessLookupError."""
    try:
        process = psutil.Process(pid)
        established = sum(line.status == psutil.CONN_ESTABLISHED for line in process.net_connections("tcp"))
        return Cost(resident(pid), process.num_fds(), established, cpu_s(pid))
    except psutil.NoSuchProcess as error:
        raise ProcessLookupError(pid) from error
