"""A mailing list and its settings: LIST_SETTINGS, a table."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from listserv.domain.address import ListAddresses
from listserv.domain.errors import ListservError
from listserv.domain.languages import ENGLISH, LANGUAGES
from listserv.domain.settings import (
    Setting,
    Value,
    file_below,
    line,
    lines,
    one_of,
    or_none,
    whole,
    yes_no,
)
from listserv.domain.times import read_hour

# What 1 MB means everywhere in this program.
MEGABYTE = 1024 * 1024

_ARCHIVE = "posts are not archived"

LIST_SETTINGS: tuple[Setting, ...] = (
    Setting("title", line(80), "", "the name people see; default: the list's name"),
    Setting("description", line(200), "", "what the list is for, in one line"),
    Setting(
        "language", one_of(*LANGUAGES), ENGLISH, "of the mails the program writes",
    ),
    Setting(
        "subscription", one_of("open", "confirm", "approve", "invite"), "confirm",
        "who may join: at once, after a yes by mail, when moderators allow it, or by invitation",
    ),
    Setting("posting", one_of("anyone", "members", "moderators"), "members", "who may post"),
    Setting(
        "nonmember", one_of("reject", "hold", "discard"), "hold",
        "what becomes of a post whose author is not subscribed",
    ),
    Setting(
        "moderation", one_of("off", "new", "all"), "off",
        "whose posts are held: nobody's, new members', everybody's",
    ),
    Setting(
        "new_member_posts", whole(1, 1000), 3,
        "with moderation=new: how many posts of a member are held before they post freely",
    ),
    Setting("max_size", whole(1024, 1024 * MEGABYTE), MEGABYTE, "of a post, in bytes"),
    Setting("subject_prefix", line(40), "", "put before each subject, once"),
    Setting(
        "footer", lines(2000), "",
        r"text under each post; \n ends a line; $title, $address and $request are filled in",
    ),
    Setting("reply_to", one_of("list", "author"), "list", "where replies go"),
    Setting(
        "from_rewrite", one_of("always", "policy"), "always",
        "when a copy's From is the list: always, or where the author's domain wants it (DMARC)",
    ),
    Setting(
        "identity", one_of("real", "alias"), "real", "what others see of a member",
        {"alias": "copies would show addresses"},
    ),
    Setting(
        "default_delivery", one_of("mail", "digest"), "mail", "how new members get their posts",
    ),
    Setting(
        "digest_hour", read_hour, "",
        "when digests come (7, 19:30, 7 pm), where the reader is; empty: digest.hour of the site",
    ),
    Setting(
        "digest_max_posts", or_none(whole(2, 1000)), 0,
        "a digest comes earlier when so many posts wait; 0: never",
    ),
    Setting(
        "archive", one_of("off", "members"), "off", "whether posts are kept for members",
        {"members": _ARCHIVE},
    ),
    Setting("archive_days", whole(1, 36500), 365, "how long posts are kept", {"": _ARCHIVE}),
    Setting(
        "recall_minutes", whole(0, 60), 0, "how long an author may take a post back",
        {str(n): "a post goes out at once" for n in range(1, 61)},
    ),
    Setting(
        "oversharing_guard", one_of("on", "off"), "off",
        "ask the author before personal data goes out", {"on": "nothing looks for personal data"},
    ),
    Setting(
        "roster", one_of("nobody", "members"), "nobody",
        "who may see the list of members, by mail; owners may always",
    ),
    Setting(
        "advertised", yes_no, False,
        "whether strangers may see which list this is, by mail and on a page",
    ),
    Setting(
        "tls_required", yes_no, False, "deliver over TLS only",
        {"yes": "copies would go out without TLS"},
    ),
    Setting(
        "attachments", one_of("keep", "images", "none"), "keep", "which attachments go out",
        {"images": "all attachments would go out", "none": "all attachments would go out"},
    ),
    Setting(
        "one_click", one_of("leave", "pause"), "leave",
        "what one-click unsubscribe does: leave, or stop the mail and ask; silence leaves",
    ),
    Setting("held_deadline", whole(1, 720), 24, "hours until others are asked"),
    Setting(
        "held_fallback", one_of("tell", "release"), "tell",
        "then tell the author that it takes longer, or let a harmless post go out"
    ),
    Setting("held_expiry", whole(1, 365), 14, "days until a held post expires"),
    Setting(
        "moderators", one_of("all", "turn"), "all",
        "who is asked about a held post: all moderators, or one in turn",
    ),
    Setting(
        "content_rules", file_below, "",
        "a file in site.rules_dir with rules about the texts of posts; empty: none",
    ),
)  # fmt: skip

DEFAULTS: Mapping[str, Value] = {row.key: row.default for row in LIST_SETTINGS}

# What `list create --style` sets beyond the defaults.
STYLES: Mapping[str, Mapping[str, str]] = {
    "discussion": {},
    "announce": {"posting": "moderators", "nonmember": "reject", "reply_to": "author"},
    "support": {
        "subscription": "approve", "posting": "members", "nonmember": "reject",
        "moderation": "new", "identity": "alias", "default_delivery": "digest",
        "recall_minutes": "5", "oversharing_guard": "on", "roster": "nobody",
        "attachments": "images",
    },
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class ListSettings:
    """The settings that something in the program reads, typed; see LIST_SETTINGS."""

    title: str = ""
    description: str = ""
    language: str = ENGLISH
    subscription: str = "confirm"
    posting: str = "members"
    nonmember: str = "hold"
    moderation: str = "off"
    new_member_posts: int = 3
    max_size: int = MEGABYTE
    subject_prefix: str = ""
    footer: str = ""
    reply_to: str = "list"
    from_rewrite: str = "always"
    default_delivery: str = "mail"
    digest_hour: str = ""
    digest_max_posts: int = 0
    one_click: str = "leave"
    held_deadline: int = 24
    held_fallback: str = "tell"
    held_expiry: int = 14
    moderators: str = "all"
    roster: str = "nobody"
    advertised: bool = False
    content_rules: str = ""


@dataclass(frozen=True, slots=True)
class MailingList:
    """One mailing list. `list_id` is what it was created as and never changes (RFC 2919 7);
    `stored` holds the settings that differ from their defaults."""

    id: int
    name: str
    domain: str
    list_id: str
    created: datetime
    on_hold: bool
    settings: ListSettings
    stored: Mapping[str, Value]

    @property
    def address(self) -> str:
        return f"{self.name}@{self.domain}"

    @property
    def addresses(self) -> ListAddresses:
        return ListAddresses(self.name, self.domain)

    @property
    def title(self) -> str:
        return self.settings.title or self.name

    @property
    def is_announce(self) -> bool:
        """Whether only moderators and owners post (List-Post: NO, RFC 2369 3.4)."""
        return self.settings.posting == "moderators"


def style_settings(style: str) -> Mapping[str, str]:
    """What a style sets; a style with a part that is not built is refused whole."""
    if style not in STYLES:
        raise ListservError(f"style {style}: there are {', '.join(STYLES)}")
    by_key = {row.key: row for row in LIST_SETTINGS}
    alias = by_key["identity"].unbuilt.get(STYLES[style].get("identity", ""))
    if alias is not None:
        raise ListservError(f"style {style} is not built: it needs identity=alias; {alias}")
    return STYLES[style]
