"""Ports of loopback for servers that have to be told theirs."""

import os
import socket
from itertools import cycle

# Below those that the system hands out by itself (Linux: from 32768 on), so that nobody else gets
# one between here and the server; and for each process of a test run others.
_FIRST, _EACH, _PROCESSES = 12_000, 5_000, 4
_process = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:]) % _PROCESSES
_start = _FIRST + _process * _EACH
# Two runs at the same time begin at different places.
_shift = os.getpid() % _EACH
_ports = cycle([_start + (at + _shift) % _EACH for at in range(_EACH)])


def free_port() -> int:
    """One that nobody listens on, and that this process has not given away lately."""
    for port in _ports:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError("no port is free")
