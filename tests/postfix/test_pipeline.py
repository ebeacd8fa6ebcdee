"""The transaction machine against a real smtpd: what it tells is what arrived behind Postfix."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import aiosmtplib
import pytest
import uvloop

from listserv.domain.mailing import Fate
from listserv.domain.transaction import (
    Event,
    Settled,
    Stage,
    Transaction,
    Unfinished,
    dot_stuff,
    is_dotless,
)
from listserv.smtp.flight import take_over
from tests.postfix.harness import Postfix, Sink, below_postfix, wait_until

pytestmark = pytest.mark.postfix

TLS = Path(__file__).parents[1] / "tls"
DEADLINE = 60.0
DOTS = b"caf\xe9\r\n.a dot\r\n..\r\n.\r\nFrom the start\r\n"
# By BDAT as they are: nothing in them is a command.
PLAIN = b"caf\xe9\r\nRSET\r\nMAIL FROM:<x@far.example>\r\nBDAT 5 LAST\r\nQUIT\r\n"


@pytest.fixture(scope="module")
def relay(root: Path) -> Iterator[tuple[Postfix, Sink]]:
    """A Postfix that relays for loopback, with STARTTLS; behind it the sink."""
    folder = root / "pipeline"
    folder.mkdir(mode=0o755)
    with ExitStack() as undo:
        sink = Sink(folder / "sink")
        undo.callback(sink.stop)
        sink.start()
        postfix = Postfix(folder, sink.port)
        for name in ("cert", "key"):
            (folder / f"{name}.pem").write_bytes((TLS / f"{name}.pem").read_bytes())
        postfix.run(
            "postconf", "-e", "mynetworks = 127.0.0.0/8", "smtpd_recipient_limit = 5",
            "smtpd_tls_security_level = may",
            f"smtpd_tls_chain_files = {folder}/key.pem, {folder}/cert.pem",
            "smtpd_soft_error_limit = 1000", "smtpd_hard_error_limit = 1000",
            "smtpd_forbid_unauth_pipelining = yes",
        )  # fmt: skip
        undo.callback(postfix.stop)
        postfix.start()
        yield postfix, sink


def transaction(number: int, *recipients: str, body: bytes = DOTS) -> Transaction:
    head = f"Subject: {number}\r\n\r\n".encode()
    sender = f"town-bounces+{number}@lists.example.org"
    data = (head, dot_stuff(body))
    return Transaction(number, sender, recipients, data, eight_bit=True, dotless=is_dotless(data))


def send(
    port: int, transactions: Sequence[Transaction], connections: int = 1, tls: bool = False
) -> list[Event]:
    """Over so many connections; until everybody is accounted for."""
    left = iter(transactions)
    awaited = sum(len(one.recipients) for one in transactions)
    events: list[Event] = []

    async def story() -> None:
        happened = asyncio.Event()

        def report(new: Sequence[Event]) -> None:
            events.extend(new)
            happened.set()

        async def until(is_true: Callable[[], bool]) -> None:
            async with asyncio.timeout(DEADLINE):
                while not is_true():
                    happened.clear()
                    await happened.wait()

        flights = []
        for _ in range(connections):
            client = aiosmtplib.SMTP(
                hostname="127.0.0.1", port=port, start_tls=tls, validate_certs=False
            )
            await client.connect()
            await client.ehlo()
            flights.append(take_over(client, lambda: next(left, None), report, 100))
        for flight in flights:
            assert flight.offer.pipelining
            assert flight.offer.chunking
            flight.wake()
        await until(lambda: sum(_account(events).values()) == awaited)
        for flight in flights:
            flight.quit()
        await until(lambda: all(flight.closed for flight in flights))
        assert not any(flight.refuses_chunks for flight in flights)

    uvloop.run(story())
    return events


def _account(events: Sequence[Event]) -> Counter[str]:
    return Counter(
        recipient
        for event in events
        if isinstance(event, Settled | Unfinished)
        for recipient in event.recipients
    )


def _settled(events: Sequence[Event], fate: Fate) -> set[str]:
    return {
        recipient
        for event in events
        if isinstance(event, Settled) and event.fate is fate
        for recipient in event.recipients
    }


@pytest.mark.parametrize("body", [DOTS, PLAIN], ids=["DATA", "BDAT"])
@pytest.mark.parametrize("tls", [False, True], ids=["clear", "tls"])
def test_what_it_tells_is_what_arrived(relay: tuple[Postfix, Sink], tls: bool, body: bytes) -> None:
    postfix, sink = relay
    sink.forget()
    many = [transaction(n, f"r{n}@far.example", body=body) for n in range(300)]
    some = [transaction(n, f"nobody{n}@mx.example.org", body=body) for n in range(300, 310)]
    both = [
        transaction(
            n, f"r{n}a@far.example", f"nobody{n}@mx.example.org", f"r{n}b@far.example", body=body
        )
        for n in range(310, 330)
    ]
    events = send(postfix.port, [*both, *some, *many], 4, tls)

    strangers = {f"nobody{n}@mx.example.org" for n in range(300, 330)}
    assert _settled(events, Fate.FAILED) == strangers
    assert {event.words[:9] for event in events if isinstance(event, Settled)} == {
        "250 2.0.0",
        "550 5.1.1",
    }
    assert not any(isinstance(event, Unfinished) for event in events)
    assert_arrived(postfix, sink, _settled(events, Fate.DELIVERED), body)


@pytest.mark.parametrize("body", [DOTS, PLAIN], ids=["DATA", "BDAT"])
def test_a_transaction_is_divided_where_postfix_takes_fewer(
    relay: tuple[Postfix, Sink], body: bytes
) -> None:
    postfix, sink = relay
    sink.forget()
    recipients = [f"d{n}@far.example" for n in range(23)]
    two = [transaction(1, *recipients, body=body), transaction(2, "last@far.example", body=body)]
    events = send(postfix.port, two, 1, False)

    delivered = [len(event.recipients) for event in events if isinstance(event, Settled)]
    assert sorted(delivered) == [1, 3, 5, 5, 5, 5]
    assert_arrived(postfix, sink, {*recipients, "last@far.example"}, body)


@pytest.mark.parametrize("dotless", [False, True], ids=["DATA", "BDAT"])
def test_a_refused_message_blames_the_message(relay: tuple[Postfix, Sink], dotless: bool) -> None:
    postfix, sink = relay
    sink.forget()
    looped = b"Received: x\r\n" * 60 + b"\r\n"
    to = ("bad@far.example",)
    bad = Transaction("bad", "a@lists.example.org", to, (looped,), dotless=dotless)
    good = [transaction(n, f"good{n}@far.example", body=PLAIN) for n in range(3)]
    events = send(postfix.port, [good[0], bad, *good[1:]])

    refused = events[1]
    assert isinstance(refused, Settled)
    assert (refused.fate, refused.stage, refused.blames_message) == (Fate.DEFERRED, Stage.DOT, True)
    assert_arrived(postfix, sink, {f"good{n}@far.example" for n in range(3)}, PLAIN)


def assert_arrived(postfix: Postfix, sink: Sink, recipients: set[str], body: bytes) -> None:
    """Each of them has one copy, as it was sent."""
    wait_until(lambda: len(_arrived(sink)) >= len(recipients), "all copies are at the sink")
    postfix.wait_until_empty()
    assert Counter(_arrived(sink)) == Counter(recipients)
    for sunk in sink.messages():
        number = sunk.sender.partition("@")[0].rpartition("+")[2]
        assert below_postfix(sunk.data).endswith(f"Subject: {number}\r\n\r\n".encode() + body)


def _arrived(sink: Sink) -> list[str]:
    return [recipient for sunk in sink.messages() for recipient in sunk.recipients]
