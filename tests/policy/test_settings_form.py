"""A form with a member's settings says what commands by mail would say: only what was changed."""

from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listserv.domain.address import Address, Recipient, Role
from listserv.domain.members import Delivery, Member, MemberRole, MemberSettings, MemberState
from listserv.policy.commands.grammar import parse
from listserv.policy.settings_form import FIELDS, shown, wanted

TODAY = date(2026, 5, 10)
MAIL, DIGEST, NOMAIL = Delivery
ANN = Member(
    id=7, list_id=1, address=Address("ann", "example.org"), name="Ann Lee", role=MemberRole.MEMBER,
    delivery=MAIL, state=MemberState.ACTIVE, joined=datetime(2026, 1, 1, tzinfo=UTC), posts=0,
    began="test", settings=MemberSettings(timezone="Europe/Berlin"), stored={}, kept=MAIL,
    until=None, away_since=None,
)  # fmt: skip
READER = replace(
    ANN, delivery=DIGEST, kept=DIGEST,
    settings=MemberSettings(digest_hour="19", digest_days="mon,thu"),
)  # fmt: skip
ON_BREAK = replace(ANN, delivery=NOMAIL, kept=DIGEST, until=date(2026, 6, 1))
AWAY = replace(ON_BREAK, role=MemberRole.MODERATOR, settings=MemberSettings(away="2026-06-01"))
EVERY_DAY = "mon,tue,wed,thu,fri,sat,sun"


def read(
    member: Member, was: Mapping[str, str] | None = None, **given: str
) -> list[str] | Mapping[str, str]:
    """The lines that a form says whose other fields were left as they were shown; or what is wrong
    with it."""
    now = shown(member, "en")
    before = {**asdict(now), **(was or {})}
    want = wanted("town", member, now, before, {**before, **given}, TODAY)
    return want.wrong or list(map(str, want.commands))


@pytest.mark.parametrize(
    ("member", "given", "lines"),
    [
        (ANN, {}, []),
        (ANN, {"name": "Ann  Lee "}, []),
        (ANN, {"name": "Ann Müller"}, ["NAME town Ann Müller"]),
        (ANN, {"language": "de"}, ["LANGUAGE town Deutsch"]),
        (ANN, {"zone": "tokyo"}, ["TIMEZONE town Asia/Tokyo"]),
        (ANN, {"own_posts": "no", "ack": "yes", "format": "text"}, ["SET town NOREPRO ACK TEXT"]),
        (ANN, {"delivery": "digest"}, ["SET town DIGEST"]),
        (ANN, {"delivery": "digest", "hour": "19:30", "days": "sat,sun"},
         ["SET town DIGEST SAT SUN AT 19:30"]),
        (ANN, {"delivery": "nomail"}, ["BREAK town"]),
        (ANN, {"delivery": "nomail", "until": "2026-06-01"}, ["BREAK town UNTIL 2026-06-01"]),
        (ANN, {"delivery": "nomail", "until": "1 June", "ack": "yes"},
         ["BREAK town UNTIL 2026-06-01", "SET town ACK"]),
        (READER, {"delivery": "mail"}, ["SET town MAIL"]),
        (READER, {"hour": "7"}, ["SET town DIGEST AT 7"]),
        (READER, {"days": EVERY_DAY}, ["SET town DIGEST DAILY"]),
        (READER, {"days": "sun,mon", "format": "mime"}, ["SET town DIGEST MIME MON SUN"]),
        (ON_BREAK, {"delivery": "digest"}, ["BACK town"]),
        (ON_BREAK, {"delivery": "digest", "hour": "8"}, ["BACK town", "SET town DIGEST AT 8"]),
        (ON_BREAK, {"delivery": "mail"}, ["BACK town", "SET town NODIGEST MAIL"]),
        (ON_BREAK, {"until": ""}, ["BREAK town"]),
        (ON_BREAK, {"until": "2026-07-01"}, ["BREAK town UNTIL 2026-07-01"]),
        (ON_BREAK, {"ack": "yes"}, ["SET town ACK"]),
        # BACK would only end their absence as a moderator.
        (AWAY, {"delivery": "digest"}, ["SET town DIGEST"]),
    ],
)  # fmt: skip
def test_a_form_says_what_was_changed(
    member: Member, given: Mapping[str, str], lines: list[str]
) -> None:
    assert read(member, None, **given) == lines


@pytest.mark.parametrize(
    ("member", "given", "wrong"),
    [
        (ANN, {"name": ""}, {"name": "why.no-name"}),
        (ANN, {"name": "see http://evil.example"}, {"name": "why.name"}),
        (ANN, {"name": "x" * 500}, {"name": "why.name"}),
        (ANN, {"name": "A\x00B"}, {"name": "why.name"}),
        (ANN, {"zone": ""}, {"zone": "why.no-zone"}),
        (ANN, {"zone": "Atlantis"}, {"zone": "why.zone"}),
        (ANN, {"language": "fr"}, {"language": "why.language"}),
        (ANN, {"delivery": "always"}, {"delivery": "why.option"}),
        (ANN, {"format": "pdf"}, {"format": "why.option"}),
        (ANN, {"ack": "maybe"}, {"ack": "why.option"}),
        (ANN, {"delivery": "nomail", "until": "2026-05-10"}, {"until": "why.past"}),
        (ANN, {"delivery": "nomail", "until": "2036-05-10"}, {"until": "why.too-far"}),
        (ANN, {"delivery": "nomail", "until": "soon"}, {"until": "why.date"}),
        (ANN, {"until": "2026-06-01"}, {"until": "form.break-only"}),
        (ANN, {"hour": "7"}, {"hour": "form.digest-only"}),
        (ANN, {"days": "mon"}, {"days": "form.digest-only"}),
        (READER, {"days": ""}, {"days": "form.days"}),
        (READER, {"hour": ""}, {"hour": "why.hour"}),
        (READER, {"hour": "25", "name": ""}, {"hour": "why.hour", "name": "why.no-name"}),
    ],
)
def test_a_form_with_something_wrong_says_what_and_does_nothing(
    member: Member, given: Mapping[str, str], wrong: Mapping[str, str]
) -> None:
    assert read(member, None, **given) == wrong


def test_what_another_tab_has_changed_meanwhile_stays() -> None:
    """This one showed posts one by one, and receipts; a break has begun and receipts ended."""
    was = {"delivery": "mail", "until": "", "ack": "yes"}
    assert read(ON_BREAK, was) == []
    assert read(ON_BREAK, was, name="Ann Müller") == ["NAME town Ann Müller"]
    assert read(ON_BREAK, was, delivery="digest") == ["BACK town"]
    assert read(ON_BREAK, was, ack="no") == []


def test_the_same_form_again_says_nothing() -> None:
    was = asdict(shown(ANN, "en"))
    assert read(READER, {**was, "hour": "19", "days": "mon,thu"}, delivery="digest") == []


def test_fields_that_no_form_has_are_nothing() -> None:
    others = {"role": "owner", "moderated": "no", "state": "active", "also": "eve@evil.example"}
    assert read(ANN, others, **{key: f"{value} " for key, value in others.items()}) == []


def test_a_form_without_fields_says_nothing() -> None:
    assert wanted("town", ANN, shown(ANN, "en"), {}, {}, TODAY).commands == ()


VALUES = st.one_of(
    st.text(max_size=90),
    st.sampled_from(
        ["mail", "digest", "nomail", "yes", "no", "text", "mime", "mon,sun", EVERY_DAY, "7 pm",
         "19:30", "2026-06-01", "2 weeks", "de", "Berlin", "Ann Digest", ""]
    ),
)  # fmt: skip


@pytest.mark.parametrize("member", [ANN, READER, ON_BREAK, AWAY])
@given(st.data())
def test_any_form_is_read_and_its_commands_are_those_of_their_lines(
    member: Member, data: st.DataObject
) -> None:
    fields = st.dictionaries(st.sampled_from(FIELDS), VALUES)
    was, came = data.draw(fields), data.draw(fields)
    want = wanted("town", member, shown(member, "en"), was, came, TODAY)
    robot = Recipient(Role.ROBOT, "")
    for command in want.commands:
        line = str(command)
        assert parse(line, (), robot, ["town"], domain="x.test", today=TODAY) == (command,)
