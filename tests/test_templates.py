"""What we say to people: in each language all of it, short, and never to be taken for a command.

A template is filled in with every combination of the values of its variables, which VALUES knows by
name; a new variable is a row there. What stands in a list, in lines that begin with "- " or "> ",
is detail and not counted.
"""

import itertools
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time
from difflib import get_close_matches
from functools import cache
from pathlib import Path

import pytest
from jinja2 import meta, nodes

from listserv.domain.address import Recipient, Role
from listserv.domain.languages import ENGLISH, LANGUAGES
from listserv.mail.said import bare_subject, top_lines
from listserv.policy.commands import nearest
from listserv.policy.commands.command import Command
from listserv.policy.commands.grammar import parse
from listserv.policy.commands.table import COMMANDS
from listserv.policy.posting import QUIET, RULES
from listserv.resources import (
    JinjaTemplates,
    environment,
    read_phrases,
    templates_dir,
)
from listserv.web.fields import Choice, Field

ROOT = templates_dir()
CODE = Path(__file__).resolve().parents[1] / "listserv"
WORDS = JinjaTemplates()
OTHERS = [language for language in LANGUAGES if language != ENGLISH]
# Shell scripts for operators, and a line that stands in somebody else's mail.
SCRIPTS = "postfix-"
NO_MAILS = {"part-left-out.txt"}
# Texts of one answer among several in a mail.
PARTS = "answer-"
TEXTS = sorted(
    path.name
    for path in ROOT.iterdir()
    if path.suffix == ".txt" and not path.name.startswith(SCRIPTS) and path.name not in NO_MAILS
)
# What all pages share and has no words.
FRAMES = {"page.html", "page-fields.html", "page-style.html"}
# The other half of a mail, as HTML, and what a browser shows.
PAGES = sorted(path.name for path in ROOT.glob("*.html") if path.name not in FRAMES)
MAILS = [name for name in TEXTS if not name.startswith(PARTS)]
MOST_LINES = 8
# Tables of phrases of which each is a line.
LINES = {"done", "waits", "not", "asked", "option", "why"}
EACH_TEXT = pytest.mark.parametrize(
    ("name", "language"), list(itertools.product(TEXTS, LANGUAGES)), ids=str
)
EACH_TEMPLATE = pytest.mark.parametrize(
    ("name", "language"), list(itertools.product([*TEXTS, *PAGES], LANGUAGES)), ids=str
)
EACH_MAIL = pytest.mark.parametrize(
    ("name", "language"), list(itertools.product(MAILS, LANGUAGES)), ids=str
)

HOSTILE = "{{ 7 * 7 }}{% include 'x' %} <b>\u202eSIGNOFF"
VALUES: Mapping[str, tuple[object, ...]] = {
    "address": ("support@lists.example.org",),
    "again": (True, False),
    "alone": (True, False),
    "also": (True, False),
    "attached": (True, False),
    "at": (time(19), time(0, 30), time(12)),
    "attachments": ([], ["port.png (120 kB)"]),
    "author": ("ann@x.test",),
    "because": ("an advert?",),
    "by": ("mo@x.test",),
    "comes": ("each post by itself",),
    "commands": ("support-request@lists.example.org",),
    "complaints": (1, 3),
    "complained": (True, False),
    "concealed": (0, 1, 25),
    "conversations": (1, 5),
    "date": ("3 March",),
    "day": (1,),
    "days": ("each Monday and Thursday",),
    "delivery": ("mail", "digest", "nomail"),
    "description": ("", HOSTILE),
    "domain": ("lists.example.org",),
    "example": ("support",),
    "expired": (0, 1, 25),
    "help": (True, False),
    "fault": ("", "This page was open for long."),
    "fields": (
        [
            Field("name", "text", "Your name", HOSTILE, HOSTILE, HOSTILE, was=HOSTILE),
            Field("ack", "one", "Receipts", "no", choices=(Choice("no", HOSTILE, True),)),
            Field("hour", "list", "When", "7", choices=(Choice("7", "7:00"),)),
            Field("words", "long", "Words", HOSTILE),
        ],
    ),
    "first": ("Monday, Tuesday",),
    "form": ("1a2b.c3d4",),
    "hour": (0, 7, 12, 19),
    "hours": (24,),
    "join": ("support-join@lists.example.org",),
    "joined": (True, False),
    "joins": (True, False),
    "learns": (True, False),
    "language": ("en",),
    "last": ("Thursday",),
    "leave": ("support-leave@lists.example.org",),
    "lines": ([], ["SIGNOFF support", HOSTILE]),
    "line": ("SET support MAIL",),
    "link": ("https://lists.example.org/s/abcdefghijklmnopqrstuvwx",),
    "list": ("support",),
    "links": (
        [("Support", "https://x.test/s/a")],
        [("Support", "https://x.test/s/a"), (HOSTILE, "https://x.test/s/b")],
    ),
    "lists": (["support", "news"],),
    "max_size": ("1 MB",),
    "meaning": ("join a list",),
    "meanings": (["your own posts come to you"], ["each post by itself", HOSTILE]),
    "minute": ("00", "30"),
    "missed": (0, 1, 25),
    "moderation": ("off", "new", "all"),
    "moment": ("first", "again", "late"),
    "month": ("June",),
    "more": (0, 25),
    "more_others": (25,),
    "name": ("Ann Lee", "", HOSTILE),
    "nearest": ("SIGNOFF support", ""),
    "next": (datetime(2026, 3, 10, 19, tzinfo=UTC),),
    "notes": (["The post goes out to the list."],),
    "options": ("DIGEST, TEXT",),
    "number": (1,),
    "other": ("ann@y.test",),
    "others": ([], ["SIGNOFF support", HOSTILE]),
    "owner": ("support-owner@lists.example.org",),
    "part": (2,),
    "parts": (1, 3),
    "post": ("support@lists.example.org",),
    "page": ("https://lists.example.org/c/geztcmrtgq3temjsgiytem", ""),
    "pauses": (True, False),
    "posting": ("anyone", "members", "moderators"),
    "question": ("Could you leave out the name?", HOSTILE),
    "reasons": (["its author is not a member"], ["the list is on hold", HOSTILE]),
    "reason": ("It names another member.", "", HOSTILE),
    "reference": ("1a2b3c4d",),
    "refusals": ([("a@x.test", "too large"), ("b@x.test", HOSTILE)], [("a@x.test", "too large")]),
    "request": ("support-request@lists.example.org",),
    "robot": ("listserv@lists.example.org",),
    "role": ("owner", "moderator", "member"),
    "rules": (["crisis sheet", HOSTILE],),
    "size": ("1,234.5 kB",),
    "state": ("approved", "held", "rejected"),
    "stopped": (True, False),
    "subject": ("Hello", "", "SIGNOFF support", HOSTILE),
    "subscription": ("open", "approve", "invite"),
    "text": ("You are not alone.\n\nCall 116 123.", HOSTILE),
    "time": ("14:05",),
    "title": ("Support for all", HOSTILE),
    "told": ([("SIGNOFF support", "You have left support.")], [("x", HOSTILE), (HOSTILE, "y")]),
    "total": (1, 25),
    "most": (10,),
    "unasked": (True, False),
    "type": ("image/png",),
    "undo": (True, False),
    "unseen": (0, 3),
    "urgent": (True, False),
    "value": ("1,953 kB", HOSTILE),
    "until": (date(2026, 6, 1), None),
    "verb": ("approve", "keep"),
    "weekday": ("Monday",),
    "what": ("undone", "undone in part", "not", "again", "late", "unclear"),
    "when": ("", "each day about 7:00 in the morning"),
    "why": ("The name is missing.",),
    "wishes": (["to join support"], ["to join support", HOSTILE]),
    "wrong": ([], [Field("name", "text", "Your name", wrong=HOSTILE)]),
    "year": (2026,),
    "yours": ("ann@x.test",),
    "zone": ("Europe/Berlin",),
}  # fmt: skip
# What may be said of no list, or of all of them.
OF_NO_LIST = (
    "asked.signoff", "asked.set", "asked.break", "asked.back", "asked.name", "asked.timezone",
    "asked.change", "asked.also", "asked.query", "asked.info", "asked.index", "asked.get",
    "asked.send", "asked.search", "asked.away", "done.index", "done.get", "done.send",
    "done.search",
)  # fmt: skip
# Values of a variable that has others elsewhere.
OWN: Mapping[str, Mapping[str, tuple[object, ...]]] = {
    **{key: {"list": ("support", "")} for key in OF_NO_LIST},
    "done.away": {"until": (date(2026, 6, 1),)},
    "done.back": {"asked": (True, False), "comes": (True, False)},
    "page-confirm.html": {
        "asks": ("wishes", "also", "change", "join"),
        "what": ("open", "done", "late"),
    },
    "page-link.html": {"what": ("ask", "sent")},
    "person-confirmed.txt": {"what": ("again", "late", "member", "not", "unclear")},
    "page-list.html": {"what": ("ask", "sent"), "fault": ("",)},
    "page-lists.html": {
        "links": (True, False),
        "rows": ([], [("lists/a@x.test", "A", ""), ("lists/b@x.test", HOSTILE, HOSTILE)]),
    },
    "page-settings.html": {
        "told": ((), ("Your name is Ann.", HOSTILE)),
        "what": ("ask", "saved", "left"),
    },
    "page-leave.html": {"what": ("ask", "paused", "left")},
    "page-problem.html": {"what": ("nothing", "busy", "fault", "slow", "too big", "broken")},
    "author-withdrawn.txt": {"what": ("withdrawn", "again", "late", "decided", "unclear")},
    "author-which-post.txt": {
        "posts": ([(1, "Hello")], [(3, ""), (12, HOSTILE)]),
        "what": ("ask", "unclear", "late"),
    },
    "member-back.txt": {"offered": (0, 1)},
    "member-paused.txt": {
        "what": ("asked", "stays", "left", "unclear"),
        "until": (date(2026, 6, 1),),
    },
    "moderator-answer.txt": {
        "day": (date(2026, 6, 1),),
        "what": (
            "decided",
            "late",
            "own",
            "impossible",
            "nobody to ask",
            "no",
            "silent",
            "more",
            "none",
        ),
    },
    **{
        f"member-digest.{half}": {
            "day": (date(2026, 3, 3),),
            "posts": ("", "What was written."),
            "rows": (
                [{"title": "Hello", "count": 1, "names": ["Ann"], "more": 0, "anchor": "c1"}],
                [{"title": HOSTILE, "count": 4, "names": [HOSTILE] * 2, "more": 2, "anchor": "c1"}]
                * 2,
            ),
            "total": (1, 12),
        }
        for half in ("txt", "html")
    },
    "item.quoted": {"lines": (1, 9)},
    "item.signature": {"lines": (1, 9)},
    "item.write": {"name": ("Ann Lee", HOSTILE)},
    "note.calendar": {"value": ("", "Choir, 2026-05-09 10:00", HOSTILE)},
    "note.cancelled": {"value": ("", "Choir, 2026-05-09 10:00", HOSTILE)},
    "moderator-keep.txt": {"what": ("kept", "again", "gone", "late", "unclear")},
    "moderator-summary.txt": {
        "rows": (
            [("ann@x.test", "Hello", date(2026, 6, 1))],
            [("ann@x.test", "", date(2026, 6, 1)), ("b@x.test", HOSTILE, date(2026, 6, 1))],
        ),
        "total": (0, 1, 25),
    },
    "operator-refused.txt": {
        "rows": (
            [("gmail.test", "support@lists.example.org", 12, "550 5.7.1 blocked")],
            [("", "a@x.test", 3, ""), ("b.test", "b@x.test", 3, HOSTILE)],
        ),
    },
    "owner-suspended.txt": {
        "rows": (
            [("ann@x.test", date(2026, 6, 1), "550 5.1.1 no such user")],
            [("ann@x.test", date(2026, 6, 1), ""), ("b@x.test", date(2026, 6, 1), HOSTILE)],
        ),
    },
    "moderator-held.txt": {"name": ("", "Ann Lee"), "subject": ("", "SIGNOFF support")},
    "answer-help.txt": {
        "options": ([("NOMAIL", "no mail comes")],),
        "owners": ([], [("ADD support x@y.test", "make somebody a member")]),
        "rows": ([("SUBSCRIBE support", "join a list"), ("SIGNOFF support", "leave a list")],),
    },
    "answer-lists.txt": {"rows": ([], [("a@x.test", "A", ""), ("b@x.test", HOSTILE, "x")])},
    "answer-query.txt": {
        "also": ([], ["ann@y.test", "ann@z.test"]),
        "options": (["your own posts come to you", "you get no receipts"],),
    },
    "answer-review.txt": {"rows": ([("a@x.test", "", ""), ("b@x.test", HOSTILE, "owner")],)},
    "answer-which.txt": {
        "rows": (
            [],
            [("a@x.test", "A", "no mail", "")],
            [("a@x.test", HOSTILE, "no mail", ""), ("b@x.test", "B", "no mail", "ann@y.test")],
        ),
    },
}


def table_of(key: str) -> str:
    return key.partition(".")[0]


def source(name: str, language: str) -> str:
    folder = ROOT if language == ENGLISH else ROOT / language
    return (folder / name).read_text("utf-8")


def tree_of(text: str) -> nodes.Template:
    words = environment(ROOT)
    words.filters |= dict.fromkeys(("day", "moment", "clock", "figures"), str)
    return words.parse(text)


def values_for(text: str, name: str = "") -> Iterator[dict[str, object]]:
    """Every combination of values for a text: of the template or the phrase `name`."""
    names = sorted(variables(text))
    known = {**VALUES, **OWN.get(name, {})}
    unknown = [name for name in names if name not in known]
    assert not unknown, f"VALUES has no row for {unknown[0]}"
    for values in itertools.product(*(known[name] for name in names)):
        yield dict(zip(names, values, strict=True))


def variables(text: str) -> set[str]:
    """Those of a text and of the frame around it."""
    tree = tree_of(text)
    frames = FRAMES & {str(part) for part in meta.find_referenced_templates(tree)}
    found = meta.find_undeclared_variables(tree)
    return found.union(*(variables(source(frame, ENGLISH)) for frame in frames))


def rendered(name: str, language: str) -> Iterator[tuple[str, str]]:
    """The whole mail, and its text, for each combination of values."""
    for values in values_for(source(name, ENGLISH), name):
        mail = WORDS.render(name, values, language)
        yield mail, mail.partition("\n\n")[2]


def made_of(text: str) -> Mapping[str, list[str]]:
    """What has to be alike in two languages: variables, conditions, loops, filters, parts."""
    tree = tree_of(text)
    return {
        "variables": sorted(meta.find_undeclared_variables(tree)),
        "parts": sorted(str(part) for part in meta.find_referenced_templates(tree)),
        "conditions": sorted(
            [repr(one.test) for one in tree.find_all(nodes.If)]
            + [repr(one.test) for one in tree.find_all(nodes.CondExpr)]
        ),
        "loops": sorted(repr(loop.iter) for loop in tree.find_all(nodes.For)),
        "filters": sorted(one.name for one in tree.find_all(nodes.Filter)),
    }  # fmt: skip


def pieces(text: str) -> set[str]:
    """The words of a template, in the pieces between its variables and branches."""
    found = (piece.data.strip() for piece in tree_of(text).find_all(nodes.TemplateData))
    return {piece for piece in found if piece}


@pytest.mark.parametrize("language", OTHERS)
def test_every_text_has_its_twin(language: str) -> None:
    ours = {name for name in (path.name for path in ROOT.iterdir()) if "." in name[1:]}
    theirs = {path.name for path in (ROOT / language).iterdir()}
    assert theirs == {name for name in ours if not name.startswith(SCRIPTS)} - FRAMES


@pytest.mark.parametrize("language", OTHERS)
@pytest.mark.parametrize("name", [*TEXTS, *PAGES, *NO_MAILS])
def test_a_text_and_its_twin_are_made_alike(name: str, language: str) -> None:
    assert made_of(source(name, language)) == made_of(source(name, ENGLISH))


@pytest.mark.parametrize("language", OTHERS)
def test_every_phrase_has_its_twin_and_is_made_alike(language: str) -> None:
    ours, theirs = read_phrases(ROOT), read_phrases(ROOT / language)
    assert list(theirs) == list(ours)
    for key, text in ours.items():
        assert (key, made_of(theirs[key])) == (key, made_of(text))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("key", read_phrases(ROOT))
def test_a_phrase_is_one_line_of_words(key: str, language: str) -> None:
    for values in values_for(read_phrases(ROOT)[key], key):
        said = WORDS.phrase(key, values, language)
        assert said and said.split() == said.split(" ")


def test_a_phrase_that_the_code_names_is_there_and_each_one_is_named() -> None:
    keys = set(read_phrases(ROOT))
    tables = set(map(table_of, keys))
    named, made = set(), set()
    for path in CODE.rglob("*.py"):
        text = path.read_text("utf-8")
        named |= {
            key for key in re.findall(r'"([a-z]+\.[a-z-]+)"', text) if table_of(key) in tables
        }
        made |= set(re.findall(r'f"([a-z]+)\.\{', text))
    assert named <= keys
    assert sorted(key for key in keys - named if table_of(key) not in made) == []


@EACH_MAIL
def test_a_mail_begins_with_its_subject_in_one_line(name: str, language: str) -> None:
    for mail, text in rendered(name, language):
        subject, *following = mail.split("\n")
        assert subject.startswith("Subject: ") and subject.removeprefix("Subject: ").strip()
        assert following[0] == "" and text.strip()


@EACH_TEXT
def test_a_text_is_short(name: str, language: str) -> None:
    for _, text in rendered(name, language):
        lines = [line for line in text.split("\n") if line.strip() and line[:2] not in {"- ", "> "}]
        assert len(lines) <= MOST_LINES
        assert "\n\n\n" not in text.strip()


@EACH_TEMPLATE
def test_every_branch_of_a_text_is_rendered(name: str, language: str) -> None:
    said = "\0".join(mail for mail, _ in rendered(name, language))
    assert [piece for piece in pieces(source(name, language)) if piece not in said] == []


@EACH_TEMPLATE
def test_what_a_user_wrote_is_not_read_as_a_template(name: str, language: str) -> None:
    """HOSTILE would come out with 49 in it."""
    assert not any("49" in mail for mail, _ in rendered(name, language))


@cache
def nearest_once(word: str, known: tuple[str, ...], n: int, cutoff: float) -> list[str]:
    return get_close_matches(word, known, n, cutoff)


@pytest.fixture(autouse=True, scope="module")
def looked_for_once() -> Iterator[None]:
    """The same words stand in tens of thousands of texts."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            nearest,
            "get_close_matches",
            lambda word, known, n, cutoff: nearest_once(word, tuple(known), n, cutoff),
        )
        yield


NAMES = ("support", "news")
TITLES = [
    "support",
    "Support for all",
    *sorted({row.example("support") for row in COMMANDS}),
    *sorted({word for row in COMMANDS for word in row.words}),
]


@EACH_MAIL
def test_nothing_that_we_write_is_a_command(name: str, language: str) -> None:
    """A vacation program that may be taken for a person quotes our subject, our first line, or all
    of our text and does not mark it."""
    for values in values_for(source(name, ENGLISH), name):
        for title in TITLES if values.get("title") == VALUES["title"][0] else []:
            mail = WORDS.render(name, values | {"title": title}, language)
            head, _, text = mail.partition("\n\n")
            subject, lines = head.removeprefix("Subject: "), text.strip().split("\n")
            assert commands_in(subject, *lines) == []
            assert commands_in("", lines[0]) == []


@cache
def commands_in(subject: str, *lines: str) -> list[Command]:
    """What somebody who writes this asks of a list, and of the robot."""
    written = top_lines(lines, lazy=True)
    return [
        one
        for to in (Recipient(Role.REQUEST, "support"), Recipient(Role.ROBOT, ""))
        for one in parse(
            bare_subject(subject), written, to, NAMES, domain="x.test", today=date(2026, 5, 10)
        )
        if isinstance(one, Command)
    ]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("key", [key for key in read_phrases(ROOT) if table_of(key) in LINES])
def test_no_phrase_that_stands_in_a_line_of_its_own_is_a_command(key: str, language: str) -> None:
    for values in values_for(read_phrases(ROOT)[key], key):
        line = WORDS.phrase(key, values, language)
        assert commands_in("", line) + commands_in("", f"- {line}") == []


@EACH_TEXT
def test_no_answer_is_a_command(name: str, language: str) -> None:
    """It stands in a mail below the line that it answers."""
    for values in values_for(source(name, ENGLISH), name) if name.startswith(PARTS) else []:
        answer = WORDS.render(name, values, language).strip("\n")
        told = {"told": [("a line", answer)], "undo": False, "help": False}
        shared = {"title": "Support for all", **told}
        mail = WORDS.render("sender-answer.txt", shared, language)
        assert commands_in("", *mail.partition("\n\n")[2].split("\n")) == []
        assert commands_in("", *answer.split("\n")) == []


def test_a_command_would_be_seen() -> None:
    assert commands_in("Re: SIGNOFF support") and commands_in("", "help")


def test_a_refusal_by_mail_says_what_the_client_would_have_heard() -> None:
    told = {rule.name: rule.refusal for rule in RULES if rule.refusal and rule.name not in QUIET}
    ours = {key: text for key, text in read_phrases(ROOT).items() if key.startswith("refused.")}
    assert set(ours) == {f"refused.{name}" for name in told}
    values = {"address": "a@x.test", "size": "2.5 MB", "max_size": "1 MB"}
    for name, refusal in told.items():
        assert WORDS.phrase(f"refused.{name}", values) == refusal.text.format_map(values)


def test_figures_are_written_as_the_language_does() -> None:
    values = {"address": "a@x.test", "size": "1,048.5 kB", "max_size": "1.5 MB"}
    said = WORDS.phrase("refused.too-big", values, "de")
    assert "1.048,5 kB" in said and "1,5 MB" in said
    assert "1.048,5 kB" in WORDS.render("part-left-out.txt", {**values, "type": "x/y"}, "de")
