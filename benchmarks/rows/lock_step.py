"""aiosmtplib as it comes, in a process of its own: so many messages over so many connections, each
command waited for.

    python -m benchmarks.rows.lock_step PORT MESSAGES CONNECTIONS

Prints the messages a second."""

import asyncio
import sys
import time

import aiosmtplib
import uvloop

from benchmarks.rows.server import message

AUTHOR = "ann@example.org"
TO = "m@example.org"


async def send(port: int, messages: int, connections: int) -> float:
    """Messages a second."""
    raw = message(AUTHOR, TO)
    left = iter(range(messages))

    async def one(client: aiosmtplib.SMTP) -> None:
        for _ in left:
            await client.sendmail(AUTHOR, [TO], raw)

    clients = [aiosmtplib.SMTP(hostname="127.0.0.1", port=port) for _ in range(connections)]
    for client in clients:
        await client.connect()
        await client.ehlo()
    began = time.monotonic()
    await asyncio.gather(*map(one, clients))
    return messages / (time.monotonic() - began)


def main() -> None:
    port, messages, connections = map(int, sys.argv[1:])
    print(uvloop.run(send(port, messages, connections)))


if __name__ == "__main__":
    main()
