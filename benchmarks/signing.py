"""Personal copies signed with RSA-2048: how many a second, beside what OpenSSL can do alone.

    .venv/bin/python benchmarks/signing.py [--seconds 3] [--rounds 5]

A copy is what delivery makes in mode `personal`: its own List-Unsubscribe with a computed token and
its own DKIM-Signature. Beside it, in turns in the same run, `openssl speed rsa2048` on one core and
on two, by the clock on the wall: the ratio counts. What else runs on the machine only makes slower,
so beside the medians stand the best figures of each. (The OpenSSL in Python's `cryptography` is
another than the system's.)
"""

import argparse
import shutil
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime
from itertools import count
from statistics import median

from cryptography.hazmat.backends.openssl import backend
from cryptography.hazmat.primitives.asymmetric import rsa

from listserv.domain.lists import ListSettings, MailingList
from listserv.mail.outgoing import list_copy
from listserv.mail.parse import parse
from listserv.mail.personal import personal_form, personal_values
from listserv.mail.sign import Prepared, Signer

NOW = datetime(2026, 11, 21, tzinfo=UTC)
SECRET = bytes(32)
URL = "https://lists.example.org"
LIST = MailingList(
    1, "big", "lists.example.org", "big.lists.example.org", NOW, False, ListSettings(), {}
)
POST = (
    b"From: Ann <ann@example.org>\r\nTo: big@lists.example.org\r\nSubject: a usual subject\r\n"
    b"Date: Sat, 21 Nov 2026 07:00:00 +0000\r\nMessage-ID: <1@example.org>\r\n"
    b"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
) + b"The quick brown fox jumps over the lazy dog, again and again.\r\n" * 62


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--seconds", type=int, default=3, help="for each figure of a round")
    options.add_argument("--rounds", type=int, default=5)
    chosen = options.parse_args()
    if shutil.which("openssl") is None:
        sys.exit("openssl is missing: apt-get install openssl")
    prepared = prepare()
    rounds = [measure(prepared, chosen.seconds) for _ in range(chosen.rounds)]
    figures = list(zip(*rounds, strict=True))
    version = subprocess.run(["openssl", "version"], capture_output=True, text=True, check=True)
    print(f"RSA-2048 signatures a second, {chosen.rounds} rounds of {chosen.seconds} s")
    print(f"  openssl speed: {' '.join(version.stdout.split()[:2])};", end=" ")
    print(f"cryptography: {' '.join(backend.openssl_version_text().split()[:2])}")
    table("medians", *map(median, figures))
    table("best", *map(max, figures))


def table(name: str, one: float, ours_one: float, two: float, ours_two: float) -> None:
    print(f"  {name:10} openssl speed   personal copies   ratio")
    print(f"  1 thread   {one:13,.0f} {ours_one:17,.0f} {ours_one / one:7.2f}")
    print(f"  2 threads  {two:13,.0f} {ours_two:17,.0f} {ours_two / two:7.2f}")
    print(f"  2 to 1     {two / one:13.2f} {ours_two / ours_one:17.2f}")


def prepare() -> Prepared:
    """A post of 4 KB, ready to be signed for each member."""
    copy = list_copy(
        POST, parse(POST), LIST, now=NOW, hostname="lists.example.org", message_id="<2@example.org>"
    )
    key = rsa.generate_private_key(65537, 2048)
    signer = Signer("lists.example.org", "bench", key)
    return signer.prepare(copy.shared, (copy.body,), NOW, personal_form(LIST, URL))


def measure(prepared: Prepared, seconds: int) -> tuple[float, float, float, float]:
    """One round: OpenSSL and copies on one thread, OpenSSL and copies on two."""
    return (
        openssl(seconds),
        copies(prepared, 1, seconds),
        openssl(seconds, "-multi", "2"),
        copies(prepared, 2, seconds),
    )


def openssl(seconds: int, *options: str) -> float:
    # By default it divides by its own CPU time; copies have to live with what else is running.
    command = ["openssl", "speed", "-elapsed", "-seconds", str(seconds), *options, "rsa2048"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    # rsa 2048 bits 0.000293s 0.000009s   3415.5 114373.8
    return float(said.split()[-2])


def copies(prepared: Prepared, threads: int, seconds: int) -> float:
    """Copies a second that so many threads make."""
    made: list[int] = []

    def work(end: float) -> None:
        for number in count(1):
            prepared.copy(*personal_values(SECRET, (number,), 1, pages=True))
            if time.perf_counter() > end:
                made.append(number)
                return

    began = time.perf_counter()
    workers = [threading.Thread(target=work, args=(began + seconds,)) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return sum(made) / (time.perf_counter() - began)


if __name__ == "__main__":
    main()
