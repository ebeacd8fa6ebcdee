"""A setting works or is refused (promise 10): every row of both tables, every value."""

import dataclasses
from collections.abc import Iterable, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listserv.domain.errors import ListservError
from listserv.domain.lists import (
    DEFAULTS,
    LIST_SETTINGS,
    MEGABYTE,
    STYLES,
    ListSettings,
    style_settings,
)
from listserv.domain.members import MEMBER_SETTINGS, Member, MemberSettings
from listserv.domain.settings import Setting, Value, as_written, read_settings, shown

# All settings there are, in the order people look for them.
LIST_NAMES = """
    title description language subscription posting nonmember moderation new_member_posts max_size
    subject_prefix footer reply_to from_rewrite identity default_delivery digest_hour
    digest_max_posts archive archive_days recall_minutes oversharing_guard roster advertised
    tls_required attachments one_click held_deadline held_fallback held_expiry moderators
    content_rules
""".split()
MEMBER_NAMES = """
    name role delivery format digest_hour digest_days timezone own_posts duplicates ack
    conceal moderated read_next until away also alias language
""".split()
# What a list is born with, where it is settled.
DISCUSSION = """
    subscription=confirm posting=members nonmember=hold moderation=off new_member_posts=3
    max_size=1048576 subject_prefix= footer= reply_to=list from_rewrite=always identity=real
    default_delivery=mail archive=off recall_minutes=0 oversharing_guard=off roster=nobody
    advertised=no tls_required=no attachments=keep one_click=leave
""".split()

# Every value that has a name, and for the others some good ones.
VALUES: Mapping[str, tuple[str, ...]] = {
    "title": ("", "Support for all", "Über uns"),
    "description": ("", "For patients"),
    "language": ("en", "de"),
    "subscription": ("open", "confirm", "approve", "invite"),
    "posting": ("anyone", "members", "moderators"),
    "nonmember": ("reject", "hold", "discard"),
    "moderation": ("off", "new", "all"),
    "new_member_posts": ("1", "3", "1000"),
    "max_size": ("1024", "1048576", "1073741824"),
    "subject_prefix": ("", "[support]"),
    "footer": ("", r"Write to $address\nThank you"),
    "reply_to": ("list", "author"),
    "from_rewrite": ("always", "policy"),
    "identity": ("real", "alias"),
    "default_delivery": ("mail", "digest"),
    "digest_hour": ("", "0", "7", "19:30"),
    "digest_max_posts": ("0", "2", "1000"),
    "archive": ("off", "members"),
    "archive_days": ("1", "365"),
    "recall_minutes": ("0", "5", "60", "05"),
    "oversharing_guard": ("on", "off"),
    "roster": ("nobody", "members"),
    "advertised": ("yes", "no"),
    "tls_required": ("yes", "no"),
    "attachments": ("keep", "images", "none"),
    "one_click": ("leave", "pause"),
    "held_deadline": ("24",),
    "held_fallback": ("tell", "release"),
    "held_expiry": ("14",),
    "moderators": ("all", "turn"),
    "content_rules": ("", "rules.txt"),
    "name": ("", "Ann Lee"),
    "role": ("member", "moderator", "owner"),
    "delivery": ("mail", "digest", "nomail"),
    "format": ("text", "html", "mime"),
    "digest_days": ("", "mon,thu"),
    "timezone": ("", "Europe/London"),
    "own_posts": ("yes", "no"),
    "duplicates": ("yes", "no"),
    "ack": ("yes", "no"),
    "conceal": ("yes", "no"),
    "moderated": ("yes", "no"),
    "read_next": ("yes", "no"),
    "until": ("", "2030-01-01"),
    "away": ("", "2030-01-01"),
    "also": ("", "ann@work.example", "Ann@work.example, ann+list@home.example"),
    "alias": ("blue-owl",),
}
# Kept in a member's own columns, not in MemberSettings.
COLUMNS = {"name", "role", "delivery", "until"}

LIST_ROWS = [pytest.param(row, id=f"list {row.key}") for row in LIST_SETTINGS]
MEMBER_ROWS = [pytest.param(row, id=f"member {row.key}") for row in MEMBER_SETTINGS]


def works(table: Iterable[Setting], key: str, text: str) -> bool:
    """Whether the value is read; a refusal has to name it and say that it is not built."""
    try:
        return key in read_settings(table, {key: text})
    except ListservError as refused:
        assert str(refused).startswith(key) and " is not built: " in str(refused)
        return False


def is_used(row: Setting, fields: set[str], table: Iterable[Setting]) -> bool:
    """Whether the program reads what is stored: as a typed field, or there is nothing to read
    because only the default can be stored."""
    storable = {text for text in VALUES[row.key] if works(table, row.key, text)}
    return row.key in fields or all(row.read(text) == row.default for text in storable)


@pytest.mark.parametrize("row", LIST_ROWS)
def test_every_list_setting_works_or_is_refused(row: Setting) -> None:
    assert is_used(row, {field.name for field in dataclasses.fields(ListSettings)}, LIST_SETTINGS)


@pytest.mark.parametrize("row", MEMBER_ROWS)
def test_every_member_setting_works_or_is_refused(row: Setting) -> None:
    fields = {field.name for field in dataclasses.fields(MemberSettings)} | COLUMNS
    assert is_used(row, fields, MEMBER_SETTINGS)


def test_a_member_has_a_column_for_what_is_not_in_the_settings() -> None:
    assert {field.name for field in dataclasses.fields(Member)} >= COLUMNS


@pytest.mark.parametrize("row", [*LIST_ROWS, *MEMBER_ROWS])
def test_what_is_refused_is_refused_by_name_and_says_why(row: Setting) -> None:
    if not row.works:
        with pytest.raises(ListservError, match=f"^{row.key} is not built: [a-z]"):
            read_settings([row], {row.key: VALUES[row.key][0]})
    for text, why in row.unbuilt.items():
        if text:
            with pytest.raises(ListservError, match=f"^{row.key}={text} is not built: {why}"):
                read_settings([row], {row.key: text})


@pytest.mark.parametrize("row", [*LIST_ROWS, *MEMBER_ROWS])
def test_the_default_can_be_set_and_is_never_what_is_refused(row: Setting) -> None:
    if row.works:
        assert read_settings([row], {row.key: shown(row.default)}) == {row.key: row.default}


@pytest.mark.parametrize("row", [*LIST_ROWS, *MEMBER_ROWS])
@given(text=st.one_of(st.text(), st.text("0123456789", max_size=60)))
def test_any_text_is_read_or_refused_in_one_printable_line(row: Setting, text: str) -> None:
    try:
        value = read_settings([row], {row.key: text})[row.key]
    except ListservError as refused:
        assert str(refused).startswith(row.key) and str(refused).isprintable()
    else:
        assert read_settings([row], {row.key: shown(value)})[row.key] == value
        assert shown(value) not in row.unbuilt


def test_the_tables_have_all_settings() -> None:
    assert [row.key for row in LIST_SETTINGS] == LIST_NAMES
    assert [row.key for row in MEMBER_SETTINGS] == MEMBER_NAMES
    assert set(VALUES) == {*LIST_NAMES, *MEMBER_NAMES}


@pytest.mark.parametrize("row", [*LIST_ROWS, *MEMBER_ROWS])
def test_every_row_has_a_help_of_one_line(row: Setting) -> None:
    assert row.help and row.help.isprintable()


def test_the_defaults_of_a_list_are_what_operators_were_told() -> None:
    born = {row.key: shown(row.default) for row in LIST_SETTINGS}
    assert born | dict(pair.split("=") for pair in DISCUSSION) == born
    assert {row.key: row.default for row in LIST_SETTINGS} == DEFAULTS
    assert MEGABYTE == 1048576


def test_the_defaults_of_a_member_are_what_operators_were_told() -> None:
    born = {row.key: shown(row.default) for row in MEMBER_SETTINGS}
    wanted = {"format": "html", "own_posts": "yes", "duplicates": "yes", "ack": "no"}
    assert born | wanted | {"moderated": "no"} == born


@pytest.mark.parametrize(
    ("settings", "table"), [(ListSettings(), LIST_SETTINGS), (MemberSettings(), MEMBER_SETTINGS)]
)
def test_the_typed_settings_have_the_defaults_of_the_table(
    settings: ListSettings | MemberSettings, table: tuple[Setting, ...]
) -> None:
    defaults: dict[str, Value] = {row.key: row.default for row in table}
    typed = dataclasses.asdict(settings)
    assert typed == {key: defaults[key] for key in typed}
    assert {key: type(value) for key, value in typed.items()} == {
        key: type(defaults[key]) for key in typed
    }


WRONG = [
    ("posting", "everybody", "is one of anyone, members, moderators"),
    ("posting", "", "is one of anyone, members, moderators"),
    ("posting", "Members", "is one of anyone, members, moderators"),
    ("advertised", "true", "is yes or no"),
    ("max_size", "1023", "is a whole number from 1024 to 1073741824"),
    ("max_size", "1073741825", "is a whole number from 1024 to 1073741824"),
    ("max_size", "-1", "is a whole number"),
    ("max_size", "1 MB", "is a whole number"),
    ("max_size", "1e6", "is a whole number"),
    ("max_size", "²", "is a whole number"),
    ("max_size", "١٠٢٤", "is a whole number"),
    ("max_size", "9" * 5000, "is a whole number"),
    ("recall_minutes", "0" * 20 + "99", "is a whole number"),
    ("title", "t" * 81, "is one line of at most 80 characters"),
    ("title", "a\nb", "is one line of at most 80 characters"),
    ("title", "a\r\nBcc: eve@example.org", "is one line of at most 80 characters"),
    ("title", "a\u2028b", "is one line"),
    ("title", "a\ud800", "is one line"),
    ("footer", "f" * 2001, "is a text of at most 2000 characters"),
    ("footer", "a\rb", "is a text of at most 2000 characters"),
    ("footer", "a\0b", "is a text of at most 2000 characters"),
    ("digest_hour", "24", "is a time of day such as 7, 07:30 or 7 pm, or empty"),
    ("digest_max_posts", "1", "is a whole number from 2 to 1000, or 0 for none"),
    ("colour", "red", "is not a setting; there are advertised,"),
    ("", "", "is not a setting"),
]


@pytest.mark.parametrize(("key", "text", "why"), WRONG, ids=lambda text: text[:20])
def test_a_wrong_value_is_refused_with_what_is_wanted(key: str, text: str, why: str) -> None:
    with pytest.raises(ListservError) as refused:
        read_settings(LIST_SETTINGS, {key: text})
    assert why in str(refused.value) and len(str(refused.value)) < 700


@pytest.mark.parametrize(
    ("key", "text"), [("title", "t" * 80), ("footer", "f" * 2000), ("max_size", "1024")]
)
def test_the_longest_and_the_least_that_is_allowed_is_read(key: str, text: str) -> None:
    assert shown(read_settings(LIST_SETTINGS, {key: text})[key]) == text


def test_one_wrong_value_refuses_all() -> None:
    with pytest.raises(ListservError, match=r"^archive=members is not built"):
        read_settings(LIST_SETTINGS, {"title": "Support", "archive": "members"})


def test_values_are_read_into_their_types_and_shown_as_written() -> None:
    given_ = {"title": "Hi", "max_size": "2048", "footer": r"a\nb", "advertised": "no"}
    read = read_settings(LIST_SETTINGS, given_)
    assert read == {"title": "Hi", "max_size": 2048, "footer": "a\nb", "advertised": False}
    assert {key: shown(value) for key, value in read.items()} == given_
    assert shown(True) == "yes"


def test_settings_are_written_as_on_the_command_line() -> None:
    assert as_written({}) == ""
    assert as_written({"own_posts": False, "footer": "a\nb"}) == r"own_posts=no, footer=a\nb"


def test_the_styles_set_what_operators_were_told() -> None:
    assert style_settings("discussion") == {}
    announce = style_settings("announce")
    assert announce == {"posting": "moderators", "nonmember": "reject", "reply_to": "author"}
    assert read_settings(LIST_SETTINGS, announce)
    assert set(STYLES) == {"discussion", "announce", "support"}


def test_a_style_with_a_part_that_is_not_built_is_refused_by_name() -> None:
    with pytest.raises(ListservError, match=r"^style support is not built: .* identity=alias"):
        style_settings("support")


def test_an_unknown_style_is_refused() -> None:
    with pytest.raises(ListservError, match=r"^style nonsense: there are discussion, announce,"):
        style_settings("nonsense")
