"""What we say to people: in each language all of it, short, and never to be taken for a command.

A template is filled in with every combination of the values of its variables, which VALUES knows by
name; a new variable is a row there.
"""

import itertools
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path

import pytest
from jinja2 import meta, nodes

from listserv.domain.address import Recipient, Role
from listserv.domain.languages import ENGLISH, LANGUAGES
from listserv.policy.commands.command import Command
from listserv.policy.commands.grammar import parse
from listserv.policy.commands.table import COMMANDS
from listserv.policy.posting import QUIET, RULES
from listserv.resources import (
    JinjaTemplates,
    environment,
    is_template,
    read_phrases,
    templates_dir,
)

ROOT = templates_dir()
CODE = Path(__file__).resolve().parents[1] / "listserv"
WORDS = JinjaTemplates()
OTHERS = [language for language in LANGUAGES if language != ENGLISH]
# Shell scripts for operators, a line that stands in somebody else's mail, and the parts of one of
# ours, which tests/flow/test_inform.py tries.
SCRIPTS = "postfix-"
PARTS = "answer-"
NO_MAILS = {"part-left-out.txt"}
MAILS = sorted(
    path.name
    for path in ROOT.iterdir()
    if is_template(path)
    and not path.name.startswith((SCRIPTS, PARTS))
    and path.name not in NO_MAILS
)
MOST_LINES = 8
EACH = pytest.mark.parametrize(
    ("name", "language"), list(itertools.product(MAILS, LANGUAGES)), ids=str
)

HOSTILE = "{{ 7 * 7 }}{% include 'x' %} <b>\u202eSIGNOFF"
VALUES: Mapping[str, tuple[object, ...]] = {
    "address": ("support@lists.example.org",),
    "delivery": ("mail", "digest", "nomail"),
    "domain": ("lists.example.org",),
    "learns": (True, False),
    "list": ("support",),
    "max_size": ("1 MB",),
    "missed": (0, 1, 25),
    "moment": ("first", "again", "late"),
    "month": ("June",),
    "name": ("Ann Lee", "", HOSTILE),
    "options": ("DIGEST, TEXT",),
    "owner": ("support-owner@lists.example.org",),
    "reason": ("It names another member.", HOSTILE),
    "refusals": ([("a@x.test", "too large"), ("b@x.test", HOSTILE)], [("a@x.test", "too large")]),
    "role": ("postmaster",),
    "size": ("1,234.5 kB",),
    "state": ("approved", "held", "rejected"),
    "subject": ("Hello", "", "SIGNOFF support", HOSTILE),
    "title": ("Support for all", HOSTILE),
    "type": ("image/png",),
    "until": (date(2026, 6, 1), None),
    "day": (1,),
    "year": (2026,),
}  # fmt: skip


def source(name: str, language: str) -> str:
    folder = ROOT if language == ENGLISH else ROOT / language
    return (folder / name).read_text("utf-8")


def tree_of(text: str) -> nodes.Template:
    words = environment(ROOT)
    words.filters |= {"day": str, "figures": str}
    return words.parse(text)


def values_for(text: str) -> Iterator[dict[str, object]]:
    names = sorted(meta.find_undeclared_variables(tree_of(text)))
    unknown = [name for name in names if name not in VALUES]
    assert not unknown, f"VALUES has no row for {unknown[0]}"
    for values in itertools.product(*(VALUES[name] for name in names)):
        yield dict(zip(names, values, strict=True))


def rendered(name: str, language: str) -> Iterator[tuple[str, str]]:
    """The whole mail, and its text, for each combination of values."""
    for values in values_for(source(name, ENGLISH)):
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
    assert theirs == {name for name in ours if not name.startswith(SCRIPTS)}


@pytest.mark.parametrize("language", OTHERS)
@pytest.mark.parametrize(
    "name", [*MAILS, *NO_MAILS, *(path.name for path in ROOT.glob(f"{PARTS}*"))]
)
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
    for values in values_for(read_phrases(ROOT)[key]):
        said = WORDS.phrase(key, values, language)
        assert said and said.split() == said.split(" ")


@EACH
def test_a_mail_begins_with_its_subject_in_one_line(name: str, language: str) -> None:
    for mail, text in rendered(name, language):
        subject, *following = mail.split("\n")
        assert subject.startswith("Subject: ") and subject.removeprefix("Subject: ").strip()
        assert following[0] == "" and text.strip()


@EACH
def test_a_mail_is_short(name: str, language: str) -> None:
    for _, text in rendered(name, language):
        assert sum(bool(line.strip()) for line in text.split("\n")) <= MOST_LINES
        assert "\n\n\n" not in text.strip()


@EACH
def test_every_branch_of_a_mail_is_rendered(name: str, language: str) -> None:
    said = "\0".join(mail for mail, _ in rendered(name, language))
    assert [piece for piece in pieces(source(name, language)) if piece not in said] == []


@EACH
def test_what_a_user_wrote_is_not_read_as_a_template(name: str, language: str) -> None:
    """HOSTILE would come out with 49 in it."""
    assert not any("49" in mail for mail, _ in rendered(name, language))


TITLES = [
    "support",
    "Support for all",
    *sorted({row.example("support") for row in COMMANDS}),
    *sorted({word for row in COMMANDS for word in row.words}),
]


@EACH
def test_neither_the_subject_nor_the_first_line_is_a_command(name: str, language: str) -> None:
    """A vacation program quotes them, and may be taken for a person."""
    quoted = set()
    for values in values_for(source(name, ENGLISH)):
        for title in TITLES if values.get("title") == VALUES["title"][0] else []:
            mail = WORDS.render(name, values | {"title": title}, language)
            head, _, text = mail.partition("\n\n")
            quoted.add((head.removeprefix("Subject: "), text.strip().split("\n")[0]))
    for subject, line in quoted:
        assert commands_in(subject) + commands_in("", line) + commands_in(subject, line) == []


def commands_in(subject: str, *lines: str) -> list[Command]:
    """What a mail says to a list, and to the robot."""
    return [
        one
        for to in (Recipient(Role.REQUEST, "support"), Recipient(Role.ROBOT, ""))
        for one in parse(
            subject, lines, to, ("support", "news"), domain="x.test", today=date(2026, 5, 10)
        )
        if isinstance(one, Command)
    ]


def test_a_command_would_be_seen() -> None:
    assert commands_in("SIGNOFF support") and commands_in("", "help")


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
