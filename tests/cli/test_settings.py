"""A setting works or is refused: every name and value that the documentation fixes is tried.

The tables name each setting with its values; "!" before a value, or before the key, says that it
is not built yet. What is refused is refused by name, with exit status 1, and nothing is stored.
"""

from collections.abc import Iterator

import pytest

from listserv.domain.lists import LIST_SETTINGS
from listserv.domain.members import MEMBER_SETTINGS
from tests.cli.shell import DOMAIN, Shell

LIST_KEYS = """
title=Our town
description=For everybody in it
language=en|de
subscription=open|confirm|approve|invite
posting=anyone|members|moderators
nonmember=reject|hold|discard
moderation=off|new|all
new_member_posts=3|1
max_size=1048576|2048
subject_prefix=[town]|
footer=-- \\n$title $address $request|
reply_to=list|author
from_rewrite=always|policy
identity=real|!alias
default_delivery=mail|digest
digest_hour=7|19:30|
digest_max_posts=20|0
archive=off|!members
!archive_days=30
recall_minutes=0|!5
oversharing_guard=off|!on
roster=nobody|members
advertised=no|yes
tls_required=no|!yes
attachments=keep|!images|!none
one_click=leave|pause
held_deadline=24
held_fallback=tell|release
held_expiry=14
moderators=all|turn
content_rules=town/rules.txt|
"""
MEMBER_KEYS = """
name=Robert
role=member|moderator|owner
delivery=mail|digest|nomail
format=text|html|mime
digest_hour=7|19:30|
digest_days=mon,fri|
timezone=Europe/London|
own_posts=yes|no
duplicates=yes|no
ack=no|yes
conceal=no|yes
moderated=no|yes
read_next=no|yes
away=2030-01-01|
until=2030-01-01|
also=bob@y.test|Bob@y.test,bob@z.test|
!alias=Rose
language=de|en|
"""
WHOSE = {LIST_KEYS: ("list", "town"), MEMBER_KEYS: ("member", "town", "bob@x.test")}
NONSENSE = {
    "title": "a\nb", "description": "x" * 201, "language": "tlh", "posting": "nobody",
    "nonmember": "keep", "moderation": "yes", "new_member_posts": "0", "max_size": "1 MB",
    "subject_prefix": "a\x00b", "footer": "\x1b[2J", "reply_to": "nobody", "from_rewrite": "never",
    "identity": "none", "default_delivery": "nomail", "archive": "on", "recall_minutes": "-1",
    "oversharing_guard": "yes", "roster": "everybody", "advertised": "maybe", "tls_required": "",
    "attachments": "all", "content_rules": "../town.toml", "digest_hour": "25",
    "digest_max_posts": "1",
}  # fmt: skip


def _cases(table: str) -> Iterator[tuple[str, str, bool]]:
    """(key, value, works)"""
    for line in table.strip().splitlines():
        key, _, values = line.partition("=")
        for value in values.split("|"):
            built = not key.startswith("!") and not value.startswith("!")
            yield key.removeprefix("!"), value.removeprefix("!"), built


def test_the_tables_here_are_complete() -> None:
    for table, rows in ((LIST_KEYS, LIST_SETTINGS), (MEMBER_KEYS, MEMBER_SETTINGS)):
        assert {key for key, _, _ in _cases(table)} == {row.key for row in rows}


@pytest.mark.parametrize("table", [LIST_KEYS, MEMBER_KEYS], ids=["list", "member"])
def test_every_setting_works_or_is_refused(town: Shell, table: str) -> None:
    noun, *whose = WHOSE[table]
    rules = town.config.with_name("rules") / "town"
    rules.mkdir(parents=True)
    (rules / "rules.txt").write_text('when post has link then hold "a link"\n')
    set_, show = (noun, "set", *whose), (noun, "show", *whose)
    for key, value, works in _cases(table):
        before = town.json(*show)
        if works:
            assert town.ok(*set_, f"{key}={value}") == ""
            shown = town.json(*show)
            assert str(shown[key]) == value.replace("\\n", "\n"), key
        else:
            line = town.refused(*set_, f"{key}={value}")
            assert line.startswith((f"{key} is not built: ", f"{key}={value} is not built: "))
            assert town.json(*show) == before


def test_a_value_that_is_none_is_refused_by_name(town: Shell) -> None:
    before = town.json("list", "show", "town")
    for key, value in NONSENSE.items():
        assert town.refused("list", "set", "town", f"{key}={value}").startswith(f"{key}="), key
    assert "colour is not a setting" in town.refused("list", "set", "town", "colour=red")
    assert town.json("list", "show", "town") == before


def test_one_refusal_keeps_the_others_out(town: Shell) -> None:
    town.refused("list", "set", "town", "reply_to=author", "identity=alias")
    assert town.json("list", "show", "town")["reply_to"] == "list"


def test_only_what_works_is_shown(town: Shell) -> None:
    for table, noun, *whose in (
        (LIST_KEYS, "list", "town"),
        (MEMBER_KEYS, "member", "town", "bob@x.test"),
    ):
        shown = town.json(noun, "show", *whose)
        help_text = town.ok(noun, "set", "--help")
        for key, _, _ in _cases(table):
            works = f"!{key}=" not in table
            assert (key in shown) == works, key
            assert (f"\n    {key}=" in help_text) == works, key


@pytest.mark.parametrize("word", ["posting", "=members", "posting members", ""])
def test_what_is_no_key_value_is_wrong_usage(town: Shell, word: str) -> None:
    assert "is not KEY=VALUE" in town.misused("list", "set", "town", word)


def test_a_key_twice_is_wrong_usage(town: Shell) -> None:
    assert "title is given twice" in town.misused("list", "set", "town", "title=a", "title=b")


def test_styles_work_or_are_refused(shell: Shell) -> None:
    styles = {
        "discussion": ("members", "hold", "list"),
        "announce": ("moderators", "reject", "author"),
    }
    for style, expected in styles.items():
        shell.ok("list", "create", f"{style}@{DOMAIN}", "--style", style)
        shown = shell.json("list", "show", style)
        assert (shown["posting"], shown["nonmember"], shown["reply_to"]) == expected
    line = shell.refused("list", "create", f"s@{DOMAIN}", "--style", "support")
    assert line == (
        "style support is not built: it needs identity=alias; copies would show addresses"
    )
    assert "style nonsense" in shell.refused("list", "create", f"s@{DOMAIN}", "--style", "nonsense")
    assert len(shell.json("list", "ls")) == len(styles)
