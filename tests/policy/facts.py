"""A post that nothing speaks against, and the people and the list around it."""

from datetime import UTC, datetime
from typing import Any

from listserv.domain.address import Address
from listserv.domain.lists import ListSettings, MailingList
from listserv.domain.members import Delivery, Member, MemberRole, MemberSettings, MemberState
from listserv.domain.post import Mailbox, Post

ANN = Mailbox("Ann Lee", Address("ann", "example.org"))
BOB = Mailbox("Bob", Address("bob", "example.net"))


def a_list(*, on_hold: bool = False, **settings: Any) -> MailingList:
    return MailingList(
        id=1,
        name="support",
        domain="lists.example.org",
        list_id="support.lists.example.org",
        created=datetime(2026, 1, 1, tzinfo=UTC),
        on_hold=on_hold,
        settings=ListSettings(**settings),
        stored=settings,
    )


def a_member(
    role: MemberRole = MemberRole.MEMBER,
    *,
    state: MemberState = MemberState.ACTIVE,
    posts: int = 0,
    **settings: Any,
) -> Member:
    return Member(
        id=7,
        list_id=1,
        address=ANN.address,
        name="Ann Lee",
        role=role,
        delivery=Delivery.MAIL,
        state=state,
        joined=datetime(2026, 1, 1, tzinfo=UTC),
        posts=posts,
        began="command line",
        settings=MemberSettings(**settings),
        stored=settings,
        kept=Delivery.MAIL,
        until=None,
        away_since=None,
    )


def a_post(**changes: Any) -> Post:
    ordinary: dict[str, Any] = {
        "message_id": "<1@example.org>",
        "from_fields": 1,
        "authors": (ANN,),
        "subject": "My port is infected",
        "date": "Mon, 5 Jan 2026 10:00:00 +0000",
        "to_cc": (Address("support", "lists.example.org"),),
        "list_ids": (),
        "received": 3,
        "auto_submitted": "",
        "automatic": "",
        "spam": False,
        "has_text": True,
        "has_attachment": False,
        "first_line": "Since Friday it is red and hot.",
        "text_lines": 4,
        "size": 2000,
        "body_hash": b"h" * 32,
    }
    return Post(**(ordinary | changes))
