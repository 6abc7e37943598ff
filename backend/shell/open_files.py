"""Connections are open files, of which the system allows a process only so many."""

import logging
import resource

log = logging.getLogger(__name__)

_OTHERS = 256


def make_room_for(connections: int) -> None:
    """Have as many files open as connections are allowed: beyond, the system turns boards away without a word."""
    wanted = connections + _OTHERS
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if most < wanted:
        log.warning("the system allows %d open files, too few for %d connections (ulimit -n)", most, connections)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
