"""One test or more for each defect of aiosmtpd 1.4.6 that listserv/smtp mends.

A docstring begins with what aiosmtpd does where that is not plain from the name.
"""

import inspect
import logging
import select
import socket
import struct
import subprocess
from collections.abc import Callable
from contextlib import ExitStack

import aiosmtpd.smtp
import pytest

from listserv.domain.replies import BARE_LINE_END
from listserv.smtp.commands import LmtpSession, SmtpSession
from listserv.smtp.server import Limits, Listener, ServerSettings
from tests.smtp.listening import SECRET, House, Talk

TOWN = "town@lists.example.org"
# A client that is cut off hears of it within this time, in these tests.
SHORT = 0.2


def settings(**limits: float) -> ServerSettings:
    return ServerSettings(
        hostname="lists.example.org",
        max_message_bytes=200_000,
        limits=Limits(linger_seconds=2, **limits),  # type: ignore[arg-type]
    )


def test_a_fault_of_ours_is_temporary_and_only_the_log_says_what_it_was(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    """aiosmtpd: a permanent 500 with the exception's name and text."""
    with Talk(house.smtp(settings()).port) as talk:
        assert talk.ask("MAIL FROM:<ann@example.org>").startswith("250")
        at_rcpt = talk.ask("RCPT TO:<crash@lists.example.org>")
        later = talk.ask("RCPT TO:<later-crash@lists.example.org>")
        talk.ask("RCPT TO:<broken@lists.example.org>")
        talk.ask("DATA")
        after_data = talk.ask("Subject: hello\r\n.")
        again = talk.ask("MAIL FROM:<ann@example.org>")

    for answer in at_rcpt, later, after_data:
        assert answer.startswith("451 4.3.0 A fault on our side, please try again later (")
        for secret in "Error", "Errno", "/var", "space":
            assert secret not in answer
    assert again.startswith("250")
    logged = [record for record in caplog.records if record.name == "listserv.smtp"]
    assert SECRET in caplog.text
    assert [record.levelno for record in logged] == [logging.ERROR] * 3
    references = [answer.rpartition("(")[2].rstrip(")") for answer in (at_rcpt, later, after_data)]
    for reference, record in zip(references, logged, strict=True):
        assert reference in record.getMessage()


def hang_up_politely(talk: Talk) -> None:
    talk.socket.shutdown(socket.SHUT_WR)


def hang_up_rudely(talk: Talk) -> None:
    talk.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    talk.close()


@pytest.mark.parametrize("hang_up", [hang_up_politely, hang_up_rudely])
def test_a_store_that_has_begun_ends_though_the_client_hangs_up(
    house: House, hang_up: Callable[[Talk], None]
) -> None:
    """aiosmtpd: EOF and reset cancel the handler, in the middle of a commit."""
    talk = Talk(house.smtp(settings()).port)
    talk.begin("slow@lists.example.org")
    talk.send(b"Subject: hello\r\n.\r\n")
    assert house.intake.arrived.wait(90)
    hang_up(talk)
    house.go_on()

    assert house.intake.finished.wait(90)
    assert len(house.intake.messages) == 1
    talk.close()


def test_half_closed_after_the_dot_500_times_each_message_is_stored_and_answered(
    house: House,
) -> None:
    """aiosmtpd: what it had not yet dealt with when EOF came is lost, and nobody is told."""
    port = house.smtp(settings()).port
    session = (
        b"HELO client.example\r\nMAIL FROM:<ann@example.org>\r\n"
        b"RCPT TO:<town@lists.example.org>\r\nDATA\r\nSubject: %d\r\n.\r\n"
    )
    for number in range(500):
        with Talk(port, greet="") as talk:
            talk.send(session % number)
            talk.socket.shutdown(socket.SHUT_WR)
            codes = [talk.reply()[:3] for _ in range(6)]
            assert codes == ["250", "250", "250", "354", "250", ""]
    subjects = [message.raw for message in house.intake.messages]
    assert subjects == [b"Subject: %d\r\n" % number for number in range(500)]


def test_postfix_own_lmtp_client_gets_the_answers_it_waits_for(house: House) -> None:
    """aiosmtpd: one answer for several recipients, and the client waits for the others."""
    port = house.lmtp(settings()).port
    command = ["smtp-source", "-L", "-r", "5", "-m", "20", "-s", "2", "-d", "-l", "3000"]
    command += ["-t", TOWN, "-f", "ann@example.org", f"inet:127.0.0.1:{port}"]
    done = subprocess.run(command, timeout=90, capture_output=True, check=False)

    assert (done.returncode, done.stderr) == (0, b"")
    assert [len(message.recipients) for message in house.intake.messages] == [5] * 20


LMTP_ENDINGS = {
    "too big": (b"Subject: big\r\n\r\n" + b"x" * 70 + b"\r\n" * 100_000 + b".\r\n", "552 5.3.4"),
    "a line too long": (b"x" * 70_000 + b"\r\n.\r\n", "550 5.6.0"),
    "a bare LF": (b"a\nb\r\n.\r\n", "550 5.6.11"),
}


@pytest.mark.parametrize(("data", "wanted"), LMTP_ENDINGS.values(), ids=LMTP_ENDINGS)
def test_every_recipient_has_its_answer_on_the_paths_of_error_too(
    house: House, data: bytes, wanted: str
) -> None:
    """aiosmtpd: one answer when a message is too big or a line too long."""
    with Talk(house.lmtp(settings()).port, greet="LHLO") as talk:
        talk.begin("a@lists.example.org", "b@lists.example.org", "c@lists.example.org")
        talk.send(data)
        assert [talk.reply()[: len(wanted)] for _ in range(3)] == [wanted] * 3
        talk.send(b"NOOP\r\n")
        assert talk.reply()[:3] == ("" if "5.6.11" in wanted else "250")
    assert not house.intake.messages


def test_over_lmtp_what_is_only_odd_is_taken_so_that_the_mta_in_front_bounces_nothing(
    house: House,
) -> None:
    """A header without end, and a sender that nobody can read, are the intake's to judge."""
    odd = "=?utf-8?q?ann?=@under_score.example"
    with Talk(house.lmtp(settings()).port, greet="LHLO") as talk:
        talk.send(f"MAIL FROM:<{odd}>\r\nRCPT TO:<{TOWN}>\r\nDATA\r\n".encode())
        assert [talk.reply()[:3] for _ in range(3)] == ["250", "250", "354"]
        talk.send(b"Subject: x\r\n" * 10_000 + b"\r\n.\r\n")
        assert talk.reply()[:3] == "250"
    (message,) = house.intake.messages
    assert (message.sender, len(message.raw)) == (odd, 120_002)


def test_lmtp_offers_what_rfc_2033_demands(house: House) -> None:
    """aiosmtpd: neither PIPELINING nor ENHANCEDSTATUSCODES."""
    for port, greet in (
        (house.lmtp(settings()).port, "LHLO"),
        (house.smtp(settings()).port, "EHLO"),
    ):
        with Talk(port, greet=greet) as talk:
            offers = {line[4:].partition(" ")[0] for line in talk.offers}
        assert offers == {
            "lists.example.org", "SIZE", "8BITMIME", "SMTPUTF8", "PIPELINING",
            "ENHANCEDSTATUSCODES",
        }  # fmt: skip


TAKEN = {
    "<ann@example.org>": "ann@example.org",
    '<"ann b."@example.org>': '"ann b."@example.org',
    '<"a>b"@example.org>': '"a>b"@example.org',
    "<ann@[192.0.2.1]>": "ann@[192.0.2.1]",
    "<Ann+tag@EXAMPLE.org>": "Ann+tag@EXAMPLE.org",
    "<>": "",
}
NOT_TAKEN = (
    "<=?utf-8?q?a=0d=0aX?=@evil.example>",
    "<=?utf-8?q?a=0d=0aX?=>",
    "<a@=?utf-8?q?evil.example?=>",
    "<a(@victim.example)b@evil.example>",
    "<a . b @ evil . example>",
    "< ann@example.org>",
    "<ann@example.org >",
    "<@relay.example:ann@example.org>",
    "<ann@example.org\x01>",
    "<ann\x7f@example.org>",
    "<ann@example.org> \x0bSIZE=1",
    '<"ann\\\x00"@example.org>',
    "ann@example.org",
    "Ann <ann@example.org>",
    "<ann@example.org",
    "<ann@bob@example.org>",
    "<ann@example..org>",
    "<ann@-example.org>",
    "<ann>",
    "<ann@>",
    "<@example.org>",
    f"<{'a' * 65}@example.org>",
    f"<ann@{'a.' * 130}org>",
    "<ann@\u2028example.org> SMTPUTF8",
    "<ann\u0085@example.org> SMTPUTF8",
)


def test_an_envelope_address_is_what_its_octets_say(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    """aiosmtpd: `email` decodes encoded words, CR LF included, and drops comments and spaces."""
    caplog.set_level(logging.DEBUG)
    with Talk(house.smtp(settings(errors=100)).port) as talk:
        for path in NOT_TAKEN:
            assert talk.ask(f"MAIL FROM:{path}")[:3] in {"500", "501", "553"}, path
        for path, sender in TAKEN.items():
            assert talk.ask(f"MAIL FROM:{path}").startswith("250"), path
            assert talk.ask(f"RCPT TO:<{TOWN}>").startswith("250")
            assert house.intake.asked[-1][3] == sender
            talk.ask("RSET")
        talk.ask("MAIL FROM:<ann@example.org>")
        for path in NOT_TAKEN:
            assert talk.ask(f"RCPT TO:{path}")[:3] in {"500", "501", "553"}, path
        for path in TAKEN:
            assert talk.ask(f"RCPT TO:{path}")[:3] == ("250" if TAKEN[path] else "553"), path
    assert [asked[0] for asked in house.intake.asked[-5:]] == [a for a in TAKEN.values() if a]
    for record in caplog.records:
        assert "\r" not in record.getMessage()
        assert "\n" not in record.getMessage()


def test_the_null_sender_is_the_empty_text(house: House) -> None:
    """aiosmtpd: it is '<>', so that `if not sender` never fires and bounces are answered."""
    with Talk(house.smtp(settings()).port) as talk:
        talk.begin(TOWN, sender="")
        assert talk.ask("Subject: bounce\r\n.").startswith("250")
    assert house.intake.messages[0].sender == ""
    assert house.intake.asked[0][3] == ""


# https://www.smtpsmug.com: what some servers take for the end of a message.
SMUGGLED = (
    b"\n.\n", b"\r.\r", b"\r.\n", b"\n.\r", b"\n.\r\n", b"\r\n.\n", b"\r.\r\n", b"\r\n.\r",
    b"\r\n\0.\r\n", b"\r\n.\0\r\n",
)  # fmt: skip
SECOND = (
    b"MAIL FROM:<admin@lists.example.org>\r\nRCPT TO:<town@lists.example.org>\r\n"
    b"DATA\r\nSubject: smuggled\r\n\r\ntext\r\n.\r\n"
)


@pytest.mark.parametrize("ending", SMUGGLED, ids=ascii)
def test_a_second_message_cannot_be_smuggled_in(house: House, ending: bytes) -> None:
    """aiosmtpd: bare CR, bare LF and NUL are passed on; Python's parser takes CR for a line end."""
    with Talk(house.smtp(settings()).port) as talk:
        talk.begin(TOWN)
        talk.send(b"Subject: first\r\n\r\ntext" + ending + SECOND)
        assert talk.reply() == BARE_LINE_END.line
        assert talk.is_closed()
    assert not house.intake.messages


@pytest.mark.parametrize("octets", [b"a\nb", b"a\rb", b"a\0b"], ids=ascii)
def test_a_bare_line_end_is_refused_at_once(house: House, octets: bytes) -> None:
    """A client that believes its message ended there waits for an answer, and gets one."""
    with Talk(house.smtp(settings()).port) as talk:
        talk.begin(TOWN)
        talk.send(octets)
        assert talk.reply() == BARE_LINE_END.line
        assert talk.is_closed()


def test_a_client_that_goes_on_sending_hears_why_it_is_refused(house: House) -> None:
    """A connection closed while its client still sends is reset, and our word is lost with it."""
    with Talk(house.smtp(settings()).port) as talk:
        talk.begin(TOWN)
        for _ in range(200):
            talk.send(b"a bare\nLF" + b"x" * 50_000)
        assert talk.reply() == BARE_LINE_END.line


def test_a_line_of_many_thousand_octets_is_taken_as_it_is(house: House) -> None:
    """aiosmtpd: more than 1,001 octets are a permanent error."""
    raw = b"Subject: long\r\n\r\n" + b"x" * 1200 + b"\r\n" + b"." * 65_000 + b"\r\n"
    with Talk(house.smtp(settings()).port) as talk:
        talk.begin(TOWN)
        talk.send(raw.replace(b"\r\n.", b"\r\n..") + b".\r\n")
        assert talk.reply().startswith("250")
    assert house.intake.messages[0].raw == raw


def test_an_answer_is_one_line_of_ascii_whatever_its_text(house: House) -> None:
    """aiosmtpd: UnicodeEncodeError, and so a 500, after the mail was stored."""
    with Talk(house.smtp(settings()).port) as talk:
        talk.begin("umlaut@lists.example.org")
        answer = talk.ask("Subject: hello\r\n.")
        after = talk.ask("NOOP")
    assert answer == "250 2.0.0 Angenommen f?r K?ln??250 second"
    assert after.startswith("250 2.0.0 Ok")
    assert len(house.intake.messages) == 1


def test_connections_are_counted_for_all_and_for_each_address(house: House) -> None:
    """aiosmtpd: there is no limit."""
    port = house.smtp(settings(connections=3, per_ip=2, silent_seconds=1000)).port
    with Talk(port) as first, Talk(port):
        with Talk(port, greet="") as third:
            assert third.banner.startswith("421 4.3.2")
            assert third.is_closed()
        with Talk(port, source="127.0.0.2") as elsewhere:
            assert elsewhere.banner.startswith("220")
            with Talk(port, source="127.0.0.3", greet="") as fourth:
                assert fourth.banner.startswith("421 4.3.2")
        first.ask("QUIT")
        assert first.is_closed()
        with Talk(port) as next_one:
            assert next_one.banner.startswith("220")


def test_a_trusted_mta_may_open_more_connections_than_a_stranger(house: House) -> None:
    trusted = ServerSettings(
        hostname="lists.example.org", trusted_mtas=frozenset({"127.0.0.1"}),
        limits=Limits(per_ip=1),
    )  # fmt: skip
    port = house.smtp(trusted).port
    with Talk(port) as one, Talk(port) as two, Talk(port, source="127.0.0.2") as stranger:
        for talk in one, two, stranger:
            assert talk.banner.startswith("220")
        with Talk(port, source="127.0.0.2", greet="") as another:
            assert another.banner.startswith("421")


def test_when_all_places_are_taken_the_most_silent_client_makes_room(house: House) -> None:
    port = house.smtp(settings(connections=3, per_ip=100, silent_seconds=0)).port
    idle = [Talk(port) for _ in range(3)]
    with Talk(port) as poster:
        poster.begin(TOWN)
        assert poster.ask("Subject: hello\r\n.").startswith("250")
    assert idle[0].reply().startswith("421 4.3.2")
    assert idle[0].is_closed()
    assert idle[1].ask("NOOP").startswith("250")
    for talk in idle:
        talk.close()


def test_the_21st_bad_command_or_recipient_ends_the_connection(house: House) -> None:
    """aiosmtpd: five unknown commands are the only limit."""
    with Talk(house.smtp(settings()).port) as talk:
        talk.ask("MAIL FROM:<ann@example.org>")
        for number in range(18):
            assert talk.ask(f"RCPT TO:<unknown{number}@lists.example.org>").startswith("550 5.1.1")
        assert talk.ask("BOGUS").startswith("500")
        assert talk.ask("RCPT TO:<>").startswith("553")
        assert talk.ask("RCPT TO:<unknown@lists.example.org>").startswith("421 4.7.0")
        assert talk.is_closed()


def test_refused_messages_are_errors_like_others(house: House) -> None:
    with Talk(house.smtp(settings(errors=2)).port) as talk:
        for _ in range(3):
            talk.begin("refused@lists.example.org")
            assert talk.ask("Subject: hello\r\n.").startswith("550")
        assert talk.reply().startswith("421 4.7.0")


def test_a_message_that_is_taken_forgives_the_errors_before_it(house: House) -> None:
    """Else an MTA that keeps its connection open for many messages is cut off some day."""
    with Talk(house.smtp(settings(errors=2)).port) as talk:
        for _ in range(3):
            talk.ask("MAIL FROM:<ann@example.org>")
            assert talk.ask("RCPT TO:<unknown@lists.example.org>").startswith("550")
            assert talk.ask("RCPT TO:<unknown@lists.example.org>").startswith("550")
            assert talk.ask(f"RCPT TO:<{TOWN}>").startswith("250")
            assert talk.ask("DATA").startswith("354")
            assert talk.ask("Subject: hello\r\n.").startswith("250")


def test_commands_that_do_nothing_are_numbered(house: House) -> None:
    """aiosmtpd: NOOP for ever, unless `command_call_limit` is set."""
    with Talk(house.smtp(settings(junk_commands=10, errors=5)).port) as talk:
        answers = [talk.ask("NOOP")[:3] for _ in range(15)]
    assert answers == ["250"] * 14 + ["421"]  # EHLO is the first of the ten


def drip(talk: Talk, octets: bytes) -> str:
    """Send `octets` again and again, slowly, until the server has had enough."""
    while True:
        try:
            talk.send(octets)
        except ConnectionError:
            return talk.reply()
        if select.select([talk.socket], [], [], SHORT / 4)[0]:
            return talk.reply()


def test_a_client_that_says_nothing_is_told_and_cut_off(house: House) -> None:
    """aiosmtpd: closes without a word."""
    with Talk(house.smtp(settings(command_seconds=SHORT)).port) as talk:
        assert talk.reply().startswith("421 4.4.2")
        assert talk.is_closed()


def test_a_client_that_drips_a_command_is_cut_off(house: House) -> None:
    with Talk(house.smtp(settings(command_seconds=SHORT)).port) as talk:
        assert drip(talk, b"N").startswith("421 4.4.2")


def test_a_client_that_drips_its_message_is_cut_off(house: House) -> None:
    """aiosmtpd: one timer for all of DATA and the handler: too short for the big, too long here."""
    with Talk(house.smtp(settings(block_seconds=SHORT)).port) as talk:
        talk.begin(TOWN)
        assert drip(talk, b"x\r\n").startswith("421 4.4.2")


def test_a_client_that_stops_in_its_message_is_cut_off(house: House) -> None:
    with Talk(house.smtp(settings(block_seconds=SHORT)).port) as talk:
        talk.begin(TOWN)
        talk.send(b"Subject: hello\r\n")
        assert talk.reply().startswith("421 4.4.2")
    assert not house.intake.messages


def test_no_connection_lasts_for_ever(house: House) -> None:
    with Talk(house.smtp(settings(session_seconds=SHORT, junk_commands=10**6)).port) as talk:
        assert drip(talk, b"").startswith("421 4.4.2")


def test_a_store_ends_and_is_answered_though_the_connections_time_is_over(house: House) -> None:
    port = house.smtp(settings(session_seconds=SHORT, junk_commands=10**6)).port
    with Talk(port) as talk:
        talk.begin("slow@lists.example.org")
        talk.send(b"Subject: hello\r\n.\r\n")
        assert house.intake.arrived.wait(90)
        with Talk(port) as later:
            assert drip(later, b"").startswith("421 4.4.2")
        house.go_on()
        assert talk.reply().startswith("250")
        assert talk.reply().startswith("421 4.4.2")
    assert len(house.intake.messages) == 1


def test_a_store_that_takes_too_long_is_a_temporary_fault_and_goes_on(house: House) -> None:
    """The sender gives up some day and sends it again; better it hears of it."""
    with Talk(house.smtp(settings(answer_seconds=SHORT)).port) as talk:
        talk.begin("slow@lists.example.org")
        assert talk.ask("Subject: hello\r\n.").startswith("451 4.3.0")
        house.go_on()
        assert house.intake.finished.wait(90)
        assert talk.ask("NOOP").startswith("250")
    assert len(house.intake.messages) == 1


def test_messages_together_take_no_more_memory_than_allowed(house: House) -> None:
    """aiosmtpd: 32 MiB for each connection, three times over."""
    port = house.smtp(settings(memory_octets=1)).port  # four of the largest are always allowed
    big = b"\r\n" + (b"x" * 60 + b"\r\n") * 3000 + b".\r\n"
    with ExitStack() as until_end:
        talks = [until_end.enter_context(Talk(port)) for _ in range(5)]
        for talk in talks:
            talk.begin("slow@lists.example.org")
            house.intake.arrived.clear()
            talk.send(big)
            if talk is not talks[4]:
                assert house.intake.arrived.wait(90)
        assert talks[4].reply().startswith("452 4.3.1")
        house.go_on()
        for talk in talks[:4]:
            assert talk.reply().startswith("250")
        for talk in talks:
            talk.begin(TOWN)
            talk.send(big)
            assert talk.reply().startswith("250")


def listeners(house: House) -> tuple[tuple[Listener, str, str], ...]:
    return (
        (house.smtp(settings()), "EHLO", "220 lists.example.org ESMTP listserv"),
        (house.lmtp(settings()), "LHLO", "220 lists.example.org LMTP listserv"),
    )


def test_neither_banner_nor_commands_tell_what_runs_here(house: House) -> None:
    """aiosmtpd: 'Python SMTP 1.4.6', HELP lists the commands, VRFY answers 252, and AUTH LOGIN
    PLAIN is offered without users."""
    for listener, greet, banner in listeners(house):
        with Talk(listener.port, greet=greet) as talk:
            assert talk.banner == banner
            answers = [talk.ask(f"{verb} {TOWN}") for verb in ("VRFY", "EXPN", "HELP", "AUTH")]
            answers += [talk.ask(f"{verb} nobody@x.example") for verb in ("VRFY", "EXPN")]
            talk_so_far = "\n".join([talk.banner, *talk.offers, *answers]).lower()
        assert set(answers) == {"502 5.5.1 That command does nothing here"}
        for word in "python", "aiosmtpd", "1.4", "250-auth", "250 auth":
            assert word not in talk_so_far


def test_no_address_is_read_by_the_private_parts_of_the_email_package(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """aiosmtpd: `email._header_value_parser`, which changes with each Python."""

    def untouchable(*_: object) -> None:
        raise AssertionError("email._header_value_parser was asked")

    monkeypatch.setattr(aiosmtpd.smtp, "get_angle_addr", untouchable)
    monkeypatch.setattr(aiosmtpd.smtp, "get_addr_spec", untouchable)
    with Talk(house.smtp(settings()).port) as talk:
        talk.begin(TOWN)
        assert talk.ask("Subject: hello\r\n.").startswith("250")


def test_every_command_of_aiosmtpd_is_overridden() -> None:
    """A new release may bring a command, or a new name for one: then it is looked at first."""
    theirs = {name for name in vars(aiosmtpd.smtp.SMTP) if name.startswith("smtp_")}
    for session in SmtpSession, LmtpSession:
        for name in theirs:
            owner = next(c for c in inspect.getmro(session) if name in vars(c))
            assert owner.__module__ == "listserv.smtp.commands", name
