"""The small answers that lists, members, posts and mailings give about themselves."""

from dataclasses import FrozenInstanceError, replace
from datetime import UTC, datetime

import pytest

from listserv.domain.address import Address, ListAddresses
from listserv.domain.lists import ListSettings, MailingList
from listserv.domain.mailing import BatchState, Fate, Lane, MailingState, Mode, Outcome
from listserv.domain.members import Delivery, Member, MemberRole, MemberSettings, MemberState
from listserv.domain.post import Mailbox, Post

LIST = MailingList(
    id=1,
    name="support",
    domain="lists.example.org",
    list_id="support.lists.example.org",
    created=datetime(2026, 1, 1, tzinfo=UTC),
    on_hold=False,
    settings=ListSettings(),
    stored={},
)
ANN = Member(
    id=7,
    list_id=1,
    address=Address("ann", "example.org"),
    name="Ann",
    role=MemberRole.MEMBER,
    delivery=Delivery.MAIL,
    state=MemberState.ACTIVE,
    joined=datetime(2026, 1, 1, tzinfo=UTC),
    posts=0,
    began="command line",
    settings=MemberSettings(),
    stored={},
    kept=Delivery.MAIL,
    until=None,
    away_since=None,
)
BOX = Mailbox("Ann", Address("ann", "example.org"))
POST = Post(
    message_id="<1@example.org>",
    from_fields=1,
    authors=(BOX,),
    subject="",
    date="",
    to_cc=(),
    list_ids=(),
    received=0,
    auto_submitted="no",
    automatic="",
    spam=False,
    has_text=True,
    has_attachment=False,
    first_line="",
    text_lines=1,
    size=1,
    body_hash=b"",
)


def test_a_list_knows_its_addresses() -> None:
    assert LIST.address == LIST.addresses.post == "support@lists.example.org"
    assert LIST.addresses == ListAddresses("support", "lists.example.org")


def test_a_list_without_a_title_is_called_by_its_name() -> None:
    assert LIST.title == "support"
    assert replace(LIST, settings=ListSettings(title="Support for all")).title == "Support for all"


@pytest.mark.parametrize(
    ("posting", "announce"), [("anyone", False), ("members", False), ("moderators", True)]
)
def test_where_only_moderators_post_is_an_announce_list(posting: str, announce: bool) -> None:
    assert replace(LIST, settings=ListSettings(posting=posting)).is_announce is announce


@pytest.mark.parametrize(
    ("role", "moderates"),
    [(MemberRole.MEMBER, False), (MemberRole.MODERATOR, True), (MemberRole.OWNER, True)],
)
def test_moderators_and_owners_moderate(role: MemberRole, moderates: bool) -> None:
    assert replace(ANN, role=role).is_moderator is moderates


@pytest.mark.parametrize(
    ("from_fields", "authors", "author"),
    [
        (1, (BOX,), BOX),
        (0, (), None),
        (1, (), None),
        (1, (BOX, BOX), None),
        (2, (BOX,), None),
        (2, (BOX, BOX), None),
    ],
)
def test_there_is_an_author_when_one_from_field_has_one_mailbox(
    from_fields: int, authors: tuple[Mailbox, ...], author: Mailbox | None
) -> None:
    assert replace(POST, from_fields=from_fields, authors=authors).author == author


def test_notices_go_before_posts_and_posts_before_bulk() -> None:
    assert sorted(Lane) == [Lane.NOTICE, Lane.POST, Lane.BULK]


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (Mode, {"batched", "verp", "personal"}),
        (BatchState, {"ready", "leased", "done"}),
        (MailingState, {"active", "paused", "set aside", "dropped", "done"}),
        (Fate, {"delivered", "deferred", "failed", "skipped"}),
    ],
)
def test_what_is_stored_as_a_word_keeps_its_word(
    names: type[Mode] | type[BatchState] | type[MailingState] | type[Fate], words: set[str]
) -> None:
    assert {str(name) for name in names} == words


def test_values_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        Outcome(Fate.DELIVERED).words = "250"  # type: ignore[misc]
