"""One post to many members: how fast, in how much memory, beside what it is measured against.

    .venv/bin/python benchmarks/fanout.py [--rows verp,personal] [--runs 3]

Runs `listserv serve` with SQLite in a temporary folder and posts by SMTP. A fan-out is timed from
the post's arrival to the record of its last recipient, progress written down on the way. Beside
each row, in the same run and in turns, is what it is compared with: smtp-source (C, Debian's
postfix), openssl, a bare aiosmtpd, mlmmj, Mailman 3. Machines are noisy, so the ratios count;
figures are medians. The note of a row says who was how busy: where smtp-sink, which uses one core,
is near 100 %, the sink is what was measured. It says too how busy the machine was a second before,
and what its host took away from it: with something else to do, it measures that as well. What is
not installed is left out, by name.
"""

import argparse
import signal
import sys
import time

from benchmarks.rows import intake, latency, mailman, million, mlmmj, modes, postfix
from benchmarks.rows.programs import Busy
from benchmarks.rows.table import Missing, Row, Scale, cells, head

ROWS = (
    Row("postfix", postfix.personal),
    Row("notice", postfix.notice),
    Row("photo", postfix.photo),
    Row("verp", modes.verp),
    Row("personal", modes.personal),
    Row("batched", modes.batched),
    Row("million", million.huge),
    Row("first-copy", latency.first_copy),
    Row("intake", intake.durable),
    Row("far", latency.far),
    Row("mlmmj", mlmmj.beside),
    Row("mailman", mailman.beside),
)


def main() -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # ends what was started, too
    by_name = {row.name: row for row in ROWS}
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--rows", help=f"some of {','.join(by_name)}; default: all")
    options.add_argument("--members", type=int, default=10_000)
    options.add_argument("--many", type=int, default=1_000_000, help="members of the huge list")
    options.add_argument("--runs", type=int, default=3)
    options.add_argument("--mailman", default="", help="the command of a Mailman 3")
    chosen = options.parse_args()
    names = chosen.rows.split(",") if chosen.rows else list(by_name)
    for name in names:
        if name not in by_name:
            sys.exit(f"{name} is no row; there are {', '.join(by_name)}")
    scale = Scale(chosen.members, chosen.many, chosen.runs, chosen.mailman)
    print(head())
    notes = []
    for name in names:
        before = Busy()
        time.sleep(1)
        others = before.words()
        try:
            for line in by_name[name].measure(scale):
                print(cells(line), flush=True)
                notes.append(f"{line.row}: {line.note or 'as above'} (before it, {others})")
        except Missing as missing:
            notes.append(f"{name}: left out, {missing}")
    print("", *notes, sep="\n")


if __name__ == "__main__":
    main()
