"""Whole mails: where reading stops, what the subject counts, and text that means harm."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listserv.domain.address import Recipient, Role
from listserv.mail.said import said
from listserv.policy.commands.command import NotUnderstood, Option
from listserv.policy.commands.grammar import MAX_COMMANDS, MAX_LINE, MAX_UNKNOWN, parse
from listserv.policy.commands.table import BY_WORD
from listserv.resources import templates_dir
from tests.mail.clients import CLIENTS, as_sent
from tests.policy.commands.test_lines import AT_ROBOT, NAMES, REQUEST, ROBOT, ROWS, TODAY, read

MAILS = [
    (client, line, meaning)
    for (line, meaning), client in zip(ROWS, list(CLIENTS) * len(ROWS), strict=False)
]


@pytest.mark.parametrize("client, line, meaning", MAILS)
def test_a_mail_means_what_its_line_means(client: str, line: str, meaning: str) -> None:
    to = ROBOT if line.startswith(AT_ROBOT) else REQUEST
    mail = said(as_sent(client, line.removeprefix(AT_ROBOT)))
    assert read(*mail.lines, subject=mail.subject, to=to) == [meaning]


@pytest.mark.parametrize("client, line, meaning", MAILS[::5])
def test_a_subject_means_what_a_line_means(client: str, line: str, meaning: str) -> None:
    to = ROBOT if line.startswith(AT_ROBOT) else REQUEST
    assert read(subject=line.removeprefix(AT_ROBOT), to=to) == [meaning]


# (subject, lines) -> meaning
WHOLE: dict[str, tuple[str, list[str], list[str]]] = {
    "nothing is said": ("", [], []),
    "a subject alone": ("unsubscribe", [], ["SIGNOFF support"]),
    "a subject that is none": ("Question", ["query"], ["QUERY support"]),
    "both the same": ("unsubscribe", ["unsubscribe"], ["SIGNOFF support"]),
    "both, different": ("set digest", ["query"], ["SET support DIGEST", "QUERY support"]),
    "a subject, and a polite text": (
        "unsubscribe", ["Hi,", "please remove me from this list", "Thanks,", "Ann Lee", "help"],
        ["SIGNOFF support"]),
    "a subject, and a name": ("join", ["Ann Lee"], ["SUBSCRIBE support"]),
    "neither": ("Question", ["What is this about", "and why"], ["? WORD", "? WORD"]),
    "a subject that is prose, and nothing": ("Question", [], ["? WORD"]),
    "a wish in the subject": ("Please take me off this list", [], ["? REQUEST SIGNOFF support"]),
    "a wish in the subject, prose below": (
        "Please take me off this list", ["I am Ann"], ["? REQUEST SIGNOFF support", "? WORD"]),
    "a subject END": ("stop", ["unsubscribe"], ["SIGNOFF support"]),
    "several commands": (
        "", ["set support digest", "set news nomail", "which"],
        ["SET support DIGEST", "SET news NOMAIL", "WHICH"]),
    "a greeting": ("", ["Dear Listserv,", "help"], ["HELP support"]),
    "a greeting alone": ("", ["Hello!"], []),
    "thanks first": ("", ["Thank you", "help"], ["HELP support"]),
    "END": ("", ["help", "END", "unsubscribe"], ["HELP support"]),
    "QUIT": ("", ["quit.", "unsubscribe"], []),
    "regards": ("", ["help", "Kind regards", "unsubscribe"], ["HELP support"]),
    "two unknown lines": (
        "", ["foo", "bar baz", "unsubscribe"], ["? WORD", "? WORD"]),
    "one unknown line between": (
        "", ["query", "xyzzy", "which"], ["QUERY support", "? WORD", "WHICH"]),
    "a name below": ("", ["query", "Ann Lee", "12 High Street"], ["QUERY support"]),
    "a slip below": (
        "", ["query", "wich"], ["QUERY support", "? WORD WHICH"]),
    "a wish for the same below": ("", ["leave", "I want to leave"], ["SIGNOFF support"]),
    "a job card": ("", ["// JOB", "help"], ["HELP support"]),
    "the same twice": ("", ["set mail", "SET MAIL"], ["SET support MAIL"]),
    "ten commands and more": (
        "", ["set ack", "set noack", "set repro", "set norepro", "set mime", "set html", "set text",
             "set digest", "query", "which", "unsubscribe", "help"],
        ["SET support ACK", "SET support NOACK", "SET support REPRO", "SET support NOREPRO",
         "SET support MIME", "SET support HTML", "SET support TEXT", "SET support DIGEST",
         "QUERY support", "WHICH", "? REST"]),
    "a name of 10 kB": ("", ["name " + "x" * 10_000], ["? LONG"]),
    "a name of 81 letters": ("", ["name " + "x" * 81], ["? NAME NAME support your name"]),
    "a name of 80 letters": ("", ["name " + "x" * 80], ["NAME support " + "x" * 80]),
    "an address of somebody else": (
        "", ["unsubscribe victim@example.net", "subscribe victim@example.net"],
        ["SIGNOFF support victim@example.net", "SUBSCRIBE support victim@example.net"]),
}  # fmt: skip


@pytest.mark.parametrize("case", WHOLE)
def test_a_whole_mail_means(case: str) -> None:
    subject, lines, meaning = WHOLE[case]
    assert read(*lines, subject=subject) == meaning


def test_ten_thousand_commands_are_ten() -> None:
    lines = [f"subscribe Person{'abcdefghij'[n % 10]}{'x' * (n % 60)}" for n in range(10_000)]
    assert len(read(*lines)) == MAX_COMMANDS + 1


# What an address asks for by itself, whatever the mail says.
BY_ADDRESS = {
    Recipient(Role.JOIN, "news"): "SUBSCRIBE news",
    Recipient(Role.JOIN_DIGEST, "news"): "SUBSCRIBE news WITH DIGEST",
    Recipient(Role.JOIN_NOMAIL, "news"): "SUBSCRIBE news WITH NOMAIL",
    Recipient(Role.LEAVE, "news"): "SIGNOFF news",
    Recipient(Role.LEAVE_TOKEN, "news", "abcdefgh"): "SIGNOFF news abcdefgh",
    Recipient(Role.DIGEST, "news"): "SET news DIGEST",
    Recipient(Role.MAIL, "news"): "SET news MAIL",
    Recipient(Role.NOMAIL, "news"): "SET news NOMAIL",
}


@pytest.mark.parametrize("to", BY_ADDRESS, ids=lambda to: to.role)
def test_an_address_is_a_command(to: Recipient) -> None:
    assert read("set support nomail", subject="help", to=to) == [BY_ADDRESS[to]]


@pytest.mark.parametrize(
    "role", [role for role in Role if role not in {to.role for to in BY_ADDRESS}]
)
def test_other_addresses_are_no_commands(role: Role) -> None:
    to = Recipient(role, "support")
    said_all = [bool(read("help", to=to)), role in {Role.REQUEST, Role.ROBOT}]
    assert said_all[0] == said_all[1]


def test_an_address_that_looks_like_another_is_another() -> None:
    mail = ["change ann@example.org", "change \u0430nn@example.org", "change ann@ex\u0430mple.org"]
    told = parse("", mail, REQUEST, NAMES, domain="lists.example.org", today=TODAY)
    keys = {one.address.key for one in told if not isinstance(one, NotUnderstood) and one.address}
    assert len(keys) == 3


@pytest.mark.parametrize("name", sorted(path.name for path in templates_dir().glob("*.txt")))
def test_no_answer_to_a_notice_is_a_command_by_its_subject(name: str) -> None:
    subject = (templates_dir() / name).read_text("utf-8").partition("\n")[0]
    told = parse(subject, [], REQUEST, NAMES, domain="lists.example.org", today=TODAY)
    assert all(isinstance(one, NotUnderstood) for one in told)


_PIECES = st.sampled_from(
    [*BY_WORD, *(option.value for option in Option), *NAMES, "*", "for", "until", "with", "quiet",
     "a@example.net", "@example.net", "address=", "2", "weeks", "1/6/2026", "99999", "{{", "$x",
     "=", ",", "<a@b>", "'", "\u200b", "\x00", "\ud800", "é", "٣", "²", "İ", "ß", "x" * 400]
)  # fmt: skip
_LINES = st.one_of(st.text(), st.lists(_PIECES, max_size=8).map(" ".join))


@given(_LINES, st.lists(_LINES, max_size=30), st.sampled_from([REQUEST, ROBOT]))
def test_any_text_parses(subject: str, lines: list[str], to: Recipient) -> None:
    told = parse(subject, lines, to, NAMES, domain="lists.example.org", today=TODAY)
    failed = [one for one in told if isinstance(one, NotUnderstood)]
    assert len(told) <= MAX_COMMANDS + 2 and len(failed) <= MAX_UNKNOWN + 1
    assert all(one.line.isprintable() and len(one.line) <= 80 for one in failed)
    for one in told:
        if isinstance(one, NotUnderstood):
            assert one.nearest.isprintable()
        else:
            assert str(one).isprintable()
            again = parse("", [str(one)], ROBOT, NAMES, domain="lists.example.org", today=TODAY)
            assert again == (one,)


@given(st.text(min_size=MAX_LINE - 50, max_size=MAX_LINE))
def test_a_long_line_parses_at_once(text: str) -> None:
    read(text, "unsubscribe " * 25, "wo " * 100, "(" * MAX_LINE, "hi " * 100, subject=text)
