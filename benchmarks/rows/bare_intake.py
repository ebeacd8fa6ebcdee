"""aiosmtpd as it comes, in a process of its own: takes every message and stores nothing.

python -m benchmarks.rows.bare_intake PORT"""

import sys
import threading

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session


class Nothing:
    """Takes a message and forgets it."""

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        return "250 OK"


def main() -> None:
    controller = Controller(Nothing(), hostname="127.0.0.1", port=int(sys.argv[1]))
    controller.start()
    threading.Event().wait()


if __name__ == "__main__":
    main()
