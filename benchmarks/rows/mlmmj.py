"""mlmmj as it comes, one message for each recipient, where Debian's package is installed.

    unshare -n python -m benchmarks.rows.mlmmj MEMBERS

is one post through a list made for it, until smtp-sink has a message for each member; prints the
seconds. It runs in a network of its own, as root, where acknowledgements are not delayed: mlmmj
leaves Nagle's algorithm on, and every message would wait 40 ms for smtp-sink's.
"""

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median

from benchmarks.rows.programs import program, sink
from benchmarks.rows.server import DOMAIN, Server, addresses, message
from benchmarks.rows.table import Line, Missing, Scale, rates

_PATIENCE = 120  # seconds
_TO = f"big@{DOMAIN}"
_AUTHOR = "m0@example0.org"
_SKELETON = Path("/usr/share/mlmmj/text.skel/en")
_FOLDERS = (
    "incoming", "queue/discarded", "archive", "subconf", "unsubconf", "bounce", "control",
    "moderation", "subscribers.d", "digesters.d", "requeue", "nomailsubs.d",
)  # fmt: skip
_PLACEMENTS: dict[str, Sequence[str]] = {"both cores": (), "one core": ("taskset", "-c", "0")}


def beside(scale: Scale) -> Iterator[Line]:
    """Ours unsigned, beside mlmmj where it does better: on all cores, or with its sink on one."""
    program("mlmmj-receive", "mlmmj")
    if subprocess.run(["unshare", "-n", "true"], capture_output=True).returncode:
        raise Missing("mlmmj is measured in a network of its own, which only root may make")
    rate: dict[str, list[float]] = {where: [] for where in _PLACEMENTS}
    ours = []
    with tempfile.TemporaryDirectory() as name, sink() as relay:
        server = Server(Path(name), relay.port)
        server.add_list("big", addresses(scale.members))
        with server.serving():
            for run in range(scale.runs + 1):
                went = server.fan_out("big")
                took = {where: _alone(on, scale.members) for where, on in _PLACEMENTS.items()}
                if run:  # the first warms up
                    ours.append(scale.members / went.seconds)
                    for where, seconds in took.items():
                        rate[where].append(scale.members / seconds)
            memory = server.memory
    best = max(rate, key=lambda where: median(rate[where]))
    yield rates(
        f"verp, {scale.members:,} members, beside mlmmj", ours,
        "mlmmj, own message for each", rate[best], 1.5, memory=memory,
        note=", ".join(f"{where} {median(rate[where]):,.0f}/s" for where in _PLACEMENTS),
    )  # fmt: skip


def _alone(on: Sequence[str], members: int) -> float:
    command = [*on, "unshare", "-n", sys.executable, "-m", __name__, str(members)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return float(done.stdout)


def main() -> None:
    members = int(sys.argv[1])
    route = "table local local 127.0.0.0/8 dev lo scope host quickack 1"
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    subprocess.run(["ip", "route", "replace", *route.split()], check=True)
    subprocess.run(
        ["ip", "route", "delete", "table", "local", "local", "127.0.0.1", "dev", "lo"], check=True
    )
    with tempfile.TemporaryDirectory() as name, sink("-M", str(members)) as last:
        folder = _make_list(Path(name), last.port, members)
        head = f"Return-Path: <{_AUTHOR}>\nDelivered-To: {_TO}\n".encode()
        post = head + message(_AUTHOR, _TO).replace(b"\r\n", b"\n")
        receive = program("mlmmj-receive", "mlmmj")
        began = time.monotonic()
        subprocess.run([receive, "-L", str(folder)], input=post, check=True)
        last.process.wait(_PATIENCE)
        print(time.monotonic() - began)
        time.sleep(0.5)  # it tidies up


def _make_list(folder: Path, port: int, members: int) -> Path:
    """What mlmmj-make-ml makes, and the members."""
    for each in _FOLDERS:
        (folder / each).mkdir(parents=True)
    shutil.copytree(_SKELETON, folder / "text")
    (folder / "index").write_text("0\n")
    for name, value in (
        ("listaddress", _TO), ("owner", _AUTHOR), ("relayhost", "127.0.0.1"), ("smtpport", port),
    ):  # fmt: skip
        (folder / "control" / name).write_text(f"{value}\n")
    people = "".join(f"{address}\n" for address in addresses(members))
    (folder / "subscribers.d" / "m").write_text(people)
    return folder


if __name__ == "__main__":
    main()
