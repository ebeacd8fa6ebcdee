"""What the relay's answers mean: for the recipient, for the copy, for everything."""

import asyncio
from pathlib import Path

import pytest

from listserv.domain.courier import RelayDown
from listserv.domain.mailing import Copy, Fate, Outcome
from listserv.smtp.relay import MaildirCourier, RelaySettings, SmtpCourier
from tests.relay import Script, ScriptedRelay

COPY = Copy(
    "town-bounces+x@lists.example.org",
    "ann@example.org",
    (b"Subject: hello\r\n", b"\r\n", b".dots\r\nand more\r\n"),
)


def courier(port: int, **settings: str) -> SmtpCourier:
    return SmtpCourier(RelaySettings("127.0.0.1", port, "lists.example.org", **settings))


def on(command: str, answer: str) -> Script:
    return lambda line: answer if line.upper().startswith(command) else None


def once(command: str, answer: str) -> Script:
    """Only the first time."""
    left = [answer]
    return lambda line: left.pop() if left and line.upper().startswith(command) else None


async def send(relay: ScriptedRelay, *copies: Copy) -> list[Outcome]:
    async with relay:
        sender = courier(relay.port)
        outcomes = [await sender.send(copy) for copy in copies]
        await sender.rest()
    return outcomes


def test_a_copy_arrives_byte_for_byte_under_its_return_path() -> None:
    relay = ScriptedRelay()
    (outcome,) = asyncio.run(send(relay, COPY))

    assert outcome == Outcome(Fate.DELIVERED)
    (message,) = relay.taken
    assert (message.sender, message.recipients) == (COPY.sender, [COPY.recipient])
    assert message.data == b"".join(COPY.data)


def test_connections_are_kept_between_copies() -> None:
    relay = ScriptedRelay()
    asyncio.run(send(relay, *[COPY] * 5))

    assert (len(relay.taken), relay.connections) == (5, 1)


@pytest.mark.parametrize(
    ("command", "answer", "expected"),
    [
        ("RCPT", "550 5.1.1 no such user", Fate.FAILED),
        ("RCPT", "451 4.7.1 greylisted", Fate.DEFERRED),
        ("MAIL", "452 4.3.1 disk full", Fate.DEFERRED),
        ("DATA", "451 later", Fate.DEFERRED),
        (".", "451 later", Fate.DEFERRED),
        # About the mailing, not about the recipient: nobody is scored for it.
        (".", "554 5.7.1 spam", Fate.DEFERRED),
    ],
)
def test_only_a_5xx_at_rcpt_is_about_the_recipient(
    command: str, answer: str, expected: Fate
) -> None:
    (outcome,) = asyncio.run(send(ScriptedRelay(on(command, answer)), COPY))

    assert outcome == Outcome(expected, answer)


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ("CONNECT", "554 5.7.1 go away"),
        ("CONNECT", ""),
        ("EHLO", "550 no"),
        ("MAIL", "554 5.7.1 sender refused"),
        ("MAIL", "421 4.3.2 shutting down"),
    ],
)
def test_a_refusal_of_us_says_nothing_about_the_recipient(command: str, answer: str) -> None:
    with pytest.raises(RelayDown):
        asyncio.run(send(ScriptedRelay(on(command, answer)), COPY))


def test_nobody_listening_is_a_relay_that_is_down() -> None:
    async def try_it() -> None:
        async with ScriptedRelay() as relay:
            port = relay.port
        await courier(port).send(COPY)

    with pytest.raises(RelayDown):
        asyncio.run(try_it())


@pytest.mark.parametrize("command", ["RCPT", "DATA", "."])
@pytest.mark.parametrize("answer", ["", "garbage", "999 what"])
def test_a_relay_that_hangs_up_or_talks_nonsense_defers_the_copy(command: str, answer: str) -> None:
    (outcome,) = asyncio.run(send(ScriptedRelay(on(command, answer)), COPY))

    assert outcome.fate is Fate.DEFERRED


def test_a_kept_connection_that_the_relay_closed_is_replaced() -> None:
    async def two() -> list[Outcome]:
        relay = ScriptedRelay()
        async with relay:
            sender = courier(relay.port)
            first = await sender.send(COPY)
            relay.script = once("MAIL", "")
            second = await sender.send(COPY)
            await sender.rest()
        assert relay.connections == 2
        return [first, second]

    assert asyncio.run(two()) == [Outcome(Fate.DELIVERED)] * 2


def test_after_a_refusal_the_connection_serves_the_next_copy() -> None:
    relay = ScriptedRelay(once("RCPT", "550 5.1.1 no"))
    first, second = asyncio.run(send(relay, COPY, COPY))

    assert (first.fate, second.fate) == (Fate.FAILED, Fate.DELIVERED)
    assert relay.connections == 1


@pytest.mark.parametrize(
    ("extensions", "copy", "options"),
    [
        (("8BITMIME", "SMTPUTF8"), Copy("a@x", "b@y", (b"",), eight_bit=True), "BODY=8BITMIME"),
        (("8BITMIME", "SMTPUTF8"), Copy("a@x", "b@y", (b"",)), ""),
        (("8BITMIME", "SMTPUTF8"), Copy("a@x", "jörg@y", (b"",)), "SMTPUTF8"),
        (("8BITMIME", "SMTPUTF8"), Copy("a@x", "b@y", (b"",), utf8=True), "SMTPUTF8"),
        (("PIPELINING",), Copy("a@x", "b@y", (b"",), utf8=True, eight_bit=True), ""),
    ],
)
def test_what_the_relay_does_not_offer_is_not_asked_for(
    extensions: tuple[str, ...], copy: Copy, options: str
) -> None:
    relay = ScriptedRelay(extensions=extensions)
    asyncio.run(send(relay, copy))

    assert relay.taken[0].options == options


def test_an_address_that_the_relay_cannot_take_fails_for_good() -> None:
    relay = ScriptedRelay(extensions=("8BITMIME",))
    (outcome,) = asyncio.run(send(relay, Copy("a@x", "jörg@y", (b"",))))

    assert (outcome.fate, relay.taken) == (Fate.FAILED, [])


def test_tls_that_is_required_and_not_offered_is_a_relay_that_is_down() -> None:
    async def try_it() -> None:
        async with ScriptedRelay() as relay:
            await courier(relay.port, tls="required").send(COPY)

    with pytest.raises(RelayDown):
        asyncio.run(try_it())


def test_a_maildir_gets_each_copy_with_its_envelope(tmp_path: Path) -> None:
    outcome = asyncio.run(MaildirCourier(tmp_path).send(COPY))

    assert outcome == Outcome(Fate.DELIVERED)
    (written,) = (tmp_path / "new").iterdir()
    assert written.read_bytes() == (
        b"Return-Path: <town-bounces+x@lists.example.org>\nDelivered-To: ann@example.org\n"
        b"Subject: hello\n\n.dots\nand more\n"
    )
