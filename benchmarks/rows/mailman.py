"""Mailman 3, a return path for each recipient, where --mailman or the PATH has one."""

import shutil
import smtplib
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from benchmarks.rows.programs import family, free_port, resident, sink, wait_for
from benchmarks.rows.server import DOMAIN, Server, addresses, message
from benchmarks.rows.table import Line, Missing, Scale, rates

_PATIENCE = 300  # seconds
# Its runners need a while to start.
_STARTS = 120
# It needs most of a minute for so many; its start, some six seconds, is counted.
_MEMBERS = 3000
_TO = f"big@{DOMAIN}"
_AUTHOR = "m0@example0.org"
_CONFIG = """\
[mailman]
layout: here
[paths.here]
var_dir: {folder}
[mta]
incoming: mailman.mta.null.NullMTA
smtp_host: 127.0.0.1
smtp_port: {relay}
lmtp_host: 127.0.0.1
lmtp_port: {lmtp}
verp_delivery_interval: 1
[webservice]
port: {rest}
"""


def beside(scale: Scale) -> Iterator[Line]:
    """Ours unsigned and signed, beside one post through Mailman."""
    command = scale.mailman or shutil.which("mailman")
    if not command:
        raise Missing("no Mailman 3 here: pip install mailman in a venv, and name it by --mailman")
    theirs, memory = _alone(command)
    for mode, words, at_least in (("verp", "unsigned", 300), ("personal", "signed", 40)):
        ours = []
        with tempfile.TemporaryDirectory() as name, sink() as relay:
            server = Server(Path(name), relay.port, mode)
            server.add_list("big", addresses(scale.members))
            with server.serving():
                for _ in range(scale.runs + 1):
                    ours.append(scale.members / server.fan_out("big").seconds)
                used = server.memory
        yield rates(
            f"{mode}, {scale.members:,} members, {words}, beside Mailman",
            [median(ours[1:])], "Mailman 3, individual", [theirs], at_least, memory=used,
            note=f"Mailman sent one post to {_MEMBERS:,} members, in {memory:,.0f} MB",
        )  # fmt: skip


def _alone(command: str) -> tuple[float, float]:
    """(recipients a second, MB of all its processes) of one post through a Mailman made for it."""
    with tempfile.TemporaryDirectory() as name, sink("-M", str(_MEMBERS)) as last:
        folder, lmtp, rest = Path(name), free_port(), free_port()
        (folder / "mailman.cfg").write_text(
            _CONFIG.format(folder=folder, relay=last.port, lmtp=lmtp, rest=rest)
        )
        people = folder / "people"
        people.write_text("".join(f"{address}\n" for address in addresses(_MEMBERS)))

        def run(*words: str) -> None:
            # What it starts keeps its output open: a pipe would never end.
            options = ("--run-as-root", "-C", str(folder / "mailman.cfg"))
            quiet = subprocess.DEVNULL
            subprocess.run([command, *options, *words], check=True, stdout=quiet, stderr=quiet)

        run("create", _TO)
        run("addmembers", "-W", str(people), _TO)
        run("start", "-u")
        try:
            wait_for(lmtp, _STARTS)
            master = int((folder / "master.pid").read_text())
            with smtplib.LMTP("127.0.0.1", lmtp) as client:
                began = time.monotonic()
                client.sendmail(_AUTHOR, [_TO], message(_AUTHOR, _TO))
            last.process.wait(_PATIENCE)
            return _MEMBERS / (time.monotonic() - began), resident(family(master))
        finally:
            run("stop")
            time.sleep(3)  # its runners leave its folder
