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
from listserv.domain.transaction import Event, Settled, Stage, Transaction, Unfinished, dot_stuff
from listserv.smtp.flight import take_over
from tests.postfix.harness import Postfix, Sink, below_postfix, wait_until

pytestmark = pytest.mark.postfix

TLS = Path(__file__).parents[1] / "tls"
DEADLINE = 60.0
BODY = b"caf\xe9\r\n.a dot\r\n..\r\n.\r\nFrom the start\r\n"


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


def transaction(number: int, *recipients: str) -> Transaction:
    head = f"Subject: {number}\r\n\r\n".encode()
    sender = f"town-bounces+{number}@lists.example.org"
    return Transaction(number, sender, recipients, (head, dot_stuff(BODY)), eight_bit=True)


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
            flight.wake()
        await until(lambda: sum(_account(events).values()) == awaited)
        for flight in flights:
            flight.quit()
        await until(lambda: all(flight.closed for flight in flights))

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


@pytest.mark.parametrize("tls", [False, True], ids=["clear", "tls"])
def test_what_it_tells_is_what_arrived(relay: tuple[Postfix, Sink], tls: bool) -> None:
    postfix, sink = relay
    sink.forget()
    many = [transaction(n, f"r{n}@far.example") for n in range(300)]
    some = [transaction(n, f"nobody{n}@mx.example.org") for n in range(300, 310)]
    both = [
        transaction(n, f"r{n}a@far.example", f"nobody{n}@mx.example.org", f"r{n}b@far.example")
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
    assert_arrived(postfix, sink, _settled(events, Fate.DELIVERED))


def test_a_transaction_is_divided_where_postfix_takes_fewer(relay: tuple[Postfix, Sink]) -> None:
    postfix, sink = relay
    sink.forget()
    recipients = [f"d{n}@far.example" for n in range(23)]
    events = send(
        postfix.port, [transaction(1, *recipients), transaction(2, "last@far.example")], 1, False
    )

    delivered = [len(event.recipients) for event in events if isinstance(event, Settled)]
    assert delivered == [5, 5, 5, 5, 3, 1]
    assert_arrived(postfix, sink, {*recipients, "last@far.example"})


def test_a_refused_message_blames_the_message(relay: tuple[Postfix, Sink]) -> None:
    postfix, sink = relay
    sink.forget()
    looped = b"Received: x\r\n" * 60 + b"\r\n"
    bad = Transaction("bad", "a@lists.example.org", ("bad@far.example",), (looped,))
    events = send(postfix.port, [bad, transaction(1, "good@far.example")])

    refused = events[0]
    assert isinstance(refused, Settled)
    assert (refused.fate, refused.stage, refused.blames_message) == (Fate.DEFERRED, Stage.DOT, True)
    assert_arrived(postfix, sink, {"good@far.example"})


def assert_arrived(postfix: Postfix, sink: Sink, recipients: set[str]) -> None:
    """Each of them has one copy, as it was sent."""
    wait_until(lambda: len(_arrived(sink)) >= len(recipients), "all copies are at the sink")
    postfix.wait_until_empty()
    assert Counter(_arrived(sink)) == Counter(recipients)
    for sunk in sink.messages():
        number = sunk.sender.partition("@")[0].rpartition("+")[2]
        assert below_postfix(sunk.data).endswith(f"Subject: {number}\r\n\r\n".encode() + BODY)


def _arrived(sink: Sink) -> list[str]:
    return [recipient for sunk in sink.messages() for recipient in sunk.recipients]
