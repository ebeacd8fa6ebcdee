"""A member, and a member's settings: MEMBER_SETTINGS, a table."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from listserv.domain.address import Address
from listserv.domain.languages import LANGUAGES
from listserv.domain.settings import (
    Setting,
    Value,
    addresses,
    addresses_in,
    day,
    line,
    one_of,
    or_empty,
    yes_no,
)
from listserv.domain.times import read_days, read_hour
from listserv.domain.zones import read_zone


class MemberRole(StrEnum):
    MEMBER = "member"
    MODERATOR = "moderator"
    OWNER = "owner"


class Delivery(StrEnum):
    MAIL = "mail"
    DIGEST = "digest"
    NOMAIL = "nomail"


class MemberState(StrEnum):
    """`left` rows stay, so that no import or restore revives who has left (promise 9)."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    LEFT = "left"


MEMBER_SETTINGS: tuple[Setting, ...] = (
    Setting("name", line(80), "", "the member's name"),
    Setting("role", one_of(*MemberRole), "member", "member, moderator or owner"),
    Setting("delivery", one_of(*Delivery), "mail", "each post, a digest of them, or no mail"),
    Setting("format", one_of("text", "html", "mime"), "html", "of the digest"),
    Setting("digest_hour", read_hour, "", "when it comes (7, 19:30, 7 pm); empty: the list's hour"),
    Setting("digest_days", read_days, "", "days it comes on (mon,thu); empty: every day"),
    Setting("timezone", read_zone, "", "where they live (Europe/Berlin); empty: the site's"),
    Setting("own_posts", yes_no, True, "get a copy of what they post themselves"),
    Setting("duplicates", yes_no, True, "get a copy although To or Cc names them already"),
    Setting("ack", yes_no, False, "get a receipt for each post"),
    Setting("conceal", yes_no, False, "do not stand in the list of members that members can see"),
    Setting("moderated", yes_no, False, "every post of theirs is held"),
    Setting("read_next", yes_no, False, "their posts are held until one is approved"),
    Setting("until", day, "", "first day after a break (2026-06-01); empty: when they say so"),
    Setting("away", day, "", "first day on which a moderator is asked again (2026-06-01)"),
    Setting("also", addresses(10), "", "addresses they may post from, with commas between them"),
    Setting("alias", line(40), "", "the name others see", {"": "copies would show addresses"}),
    Setting(
        "language", or_empty(one_of(*LANGUAGES)), "",
        "of the mails the program writes; empty: the list's",
    ),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class MemberSettings:
    """The settings kept beside a member's own columns; see MEMBER_SETTINGS."""

    own_posts: bool = True
    duplicates: bool = True
    ack: bool = False
    conceal: bool = False
    moderated: bool = False
    read_next: bool = False
    away: str = ""
    format: str = "html"
    digest_hour: str = ""
    digest_days: str = ""
    timezone: str = ""
    also: str = ""
    language: str = ""


@dataclass(frozen=True, slots=True)
class Member:
    """One person's address on one list. `id` is the member number; `posts` counts accepted
    posts; `began` says how the membership started ("command line", "import", by which mail).

    While `delivery` is nomail, `kept` is how mail comes when it comes again, `until` the day on
    which that happens by itself, and `away_since` the acceptance number of the last post before.
    """

    id: int
    list_id: int
    address: Address
    name: str
    role: MemberRole
    delivery: Delivery
    state: MemberState
    joined: datetime
    posts: int
    began: str
    settings: MemberSettings
    stored: Mapping[str, Value]
    kept: Delivery
    until: date | None
    away_since: int | None

    @property
    def also(self) -> tuple[Address, ...]:
        """The addresses they may post from beside their own. Nothing is ever sent there."""
        return addresses_in(self.settings.also)

    @property
    def is_moderator(self) -> bool:
        """Whether they may post to an announce list and decide about held posts."""
        return self.role is not MemberRole.MEMBER

    def is_away(self, today: date) -> bool:
        """Whether others are asked, for the time being, about what waits for a moderator."""
        return bool(self.settings.away) and date.fromisoformat(self.settings.away) > today


@dataclass(frozen=True, slots=True)
class JoinRequest:
    """Somebody asks to become a member of a list where people decide about that. `words` are what
    they say of themselves, `began` by which mail they asked and when, `language` theirs or "",
    `settings` the others that they asked for, as they are written."""

    address: Address
    name: str
    delivery: Delivery
    words: str
    began: str
    language: str
    settings: Mapping[str, str] = field(default_factory=dict)
