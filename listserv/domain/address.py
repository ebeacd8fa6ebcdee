"""Addresses: what one is, the envelope grammar, and every address that a list owns.

FORMS is the only place that knows how a list's addresses look. `read_local` is the only parser of
local parts and `ListAddresses` the only builder; both read the same table.
"""

import ipaddress
import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

# RFC 5321 4.5.3.1.1 and 4.5.3.1.2, in octets.
MAX_LOCAL = 64
MAX_DOMAIN = 255
# Leaves room for the longest suffix and token within MAX_LOCAL.
MAX_LIST_NAME = 30
# MAX_TOKEN characters of lower-case base32: 120 bits. Beside an alias 100 bits must do.
MAX_TOKEN = 24
MAX_ALIAS = 12
MAX_ALIAS_TOKEN = 20

ROBOT = "listserv"
RESERVED_NAMES = frozenset({ROBOT, "postmaster", "abuse", "fbl", "mailer-daemon"})

_NAME = re.compile(r"[a-z0-9]+(?:[._-][a-z0-9]+)*")
_TOKEN = re.compile(rf"[a-z2-7]{{1,{MAX_TOKEN}}}")
_ALIAS_AND_TOKEN = re.compile(
    rf"(?=[^.]{{1,{MAX_ALIAS}}}\.)[a-z0-9]+(?:-[a-z0-9]+)*\.[a-z2-7]{{1,{MAX_ALIAS_TOKEN}}}"
)
_ATEXT = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\u0080-\U0010ffff-]"
_DOT_STRING = re.compile(rf"{_ATEXT}+(?:\.{_ATEXT}+)*")
_QUOTED = re.compile(r'"(?:[ !#-\[\]-~\u0080-\U0010ffff]|\\[ -~])*"')
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_LABELS = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_LITERAL = re.compile(r"\[(?:([0-9.]{7,15})|(?i:IPv6):([0-9A-Fa-f:.]{2,45}))\]")
# Not printable, but Persian and Indic words need them.
_JOINERS = frozenset("\u200c\u200d")
# What IDNA 2003, the codec at hand, turns into somebody else's domain and IDNA 2008 keeps apart.
_DEVIATIONS = frozenset("\u00df\u03c2\u200c\u200d")


def ascii_lower(text: str) -> str:
    """Lower-case A to Z only: Unicode case mapping makes different people equal."""
    return text.lower() if text.isascii() else text.translate(_LOWER)


_LOWER = {ord(c): ord(c) + 32 for c in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}


@dataclass(frozen=True, slots=True)
class Address:
    """local@domain. `local` is NFC and otherwise as its owner writes it; `domain` is lower-case
    ASCII (A-labels). Mail goes to this spelling, equality of persons is by `key`."""

    local: str
    domain: str

    def __str__(self) -> str:
        return f"{self.local}@{self.domain}"

    @property
    def key(self) -> str:
        """The identity: two addresses with the same key are one person's."""
        return f"{ascii_lower(self.local)}@{self.domain}"

    @property
    def untagged_key(self) -> str:
        """`key` without a +tag: one ban covers every tag of a mailbox."""
        local = ascii_lower(self.local)
        return f"{local.partition('+')[0] or local}@{self.domain}"

    @property
    def masked(self) -> str:
        """For logs: a…@example.org."""
        return f"{self.local[:1]}…@{self.domain}"

    @property
    def untokened(self) -> str:
        """For logs, of an address of ours: list-confirm+…@example.org."""
        name, plus, _ = self.local.partition("+")
        return f"{name}{plus and '+…'}@{self.domain}"


# What may be an address in a text: its first character, and what is hidden.
_IN_TEXT = re.compile(r"([^\s<>@:;,\"'()\[\]])[^\s<>@:;,\"'()\[\]]*+@(?=[^\s<>@])")


def masked_in(text: str) -> str:
    """A text for logs: each address in it as `masked` writes it."""
    return _IN_TEXT.sub(r"\1…@", text)


def parse_address(text: str) -> Address | None:
    """Read an addr-spec by the Mailbox grammar of RFC 5321 4.1.2 and RFC 6531 3.3, or None.

    No comments, no white space, no encoded words, no source route; control characters, bidi marks
    and lone surrogates never pass. An IDN domain comes out as A-labels; quotes that are not needed
    are dropped, because "mary"@example.org is mary@example.org (RFC 5321 4.1.2).
    """
    written, _, domain = text.rpartition("@")
    # Before anything slow. A quoted local part may have a backslash before each character.
    if len(written) > 2 * MAX_LOCAL + 2 or len(domain) > MAX_DOMAIN:
        return None
    return _read(written, domain)


# In one message the same few addresses come up again and again.
@lru_cache(maxsize=1024)
def _read(written: str, domain: str) -> Address | None:
    # NFC before the grammar: it makes a semicolon of a Greek question mark, and may lengthen.
    local = unicodedata.normalize("NFC", written)
    if not local.isprintable() and not all(c.isprintable() or c in _JOINERS for c in local):
        return None
    if _QUOTED.fullmatch(local):
        local = _unquoted(local)
    elif not _DOT_STRING.fullmatch(local):
        return None
    ascii_domain = _ascii_domain(domain)
    if ascii_domain is None or len(local.encode()) > MAX_LOCAL:
        return None
    return Address(local, ascii_domain)


def _unquoted(local: str) -> str:
    """The same local part with the fewest quotes and backslashes."""
    content = re.sub(r"\\(.)", r"\1", local[1:-1])
    if _DOT_STRING.fullmatch(content):
        return content
    return '"' + re.sub(r'(["\\])', r"\\\1", content) + '"'


def _ascii_domain(domain: str) -> str | None:
    literal = _LITERAL.fullmatch(domain)
    if literal is not None:
        return _address_literal(*literal.groups())
    if not domain.isascii():
        if not _DEVIATIONS.isdisjoint(domain):
            return None
        try:
            domain = domain.encode("idna").decode("ascii")
        except UnicodeError:
            return None
    if len(domain) > MAX_DOMAIN or not _LABELS.fullmatch(domain):
        return None
    return ascii_lower(domain)


def _address_literal(v4: str | None, v6: str | None) -> str | None:
    """RFC 5321 4.1.3, in the one spelling that the ipaddress module gives."""
    try:
        if v4 is not None:
            return f"[{ipaddress.IPv4Address(v4)}]"
        return f"[ipv6:{ipaddress.IPv6Address(v6)}]"
    except ValueError:
        return None


class Role(StrEnum):
    """What a mail to one of our addresses asks for."""

    POST = "post"
    REQUEST = "request"
    OWNER = "owner"
    JOIN = "join"
    JOIN_DIGEST = "join-digest"
    JOIN_NOMAIL = "join-nomail"
    LEAVE = "leave"
    LEAVE_TOKEN = "leave-token"  # noqa: S105
    DIGEST = "digest"
    MAIL = "mail"
    NOMAIL = "nomail"
    CONFIRM = "confirm"
    MODERATE = "moderate"
    BOUNCES = "bounces"
    ITEM = "item"
    ALIAS = "alias"
    ROBOT = "robot"
    ROBOT_CONFIRM = "robot-confirm"
    ROBOT_BOUNCES = "robot-bounces"
    POSTMASTER = "postmaster"
    ABUSE = "abuse"
    FBL = "fbl"


@dataclass(frozen=True, slots=True)
class Form:
    """One way to write an address: what follows the list's name, and what follows that."""

    role: Role
    suffix: str
    argument: re.Pattern[str] | None = None


# The first form of a role is the one we write; all are understood.
FORMS: tuple[Form, ...] = (
    Form(Role.POST, ""),
    Form(Role.REQUEST, "-request"),
    Form(Role.OWNER, "-owner"),
    Form(Role.JOIN, "-join"),
    Form(Role.JOIN, "-subscribe"),
    Form(Role.JOIN, "+subscribe"),
    Form(Role.JOIN_DIGEST, "+subscribe-digest"),
    Form(Role.JOIN_NOMAIL, "+subscribe-nomail"),
    Form(Role.LEAVE, "-leave"),
    Form(Role.LEAVE, "-unsubscribe"),
    Form(Role.LEAVE, "-signoff"),
    Form(Role.LEAVE, "+unsubscribe"),
    Form(Role.LEAVE_TOKEN, "-leave+", _TOKEN),
    Form(Role.DIGEST, "+digest"),
    Form(Role.MAIL, "+mail"),
    Form(Role.NOMAIL, "+nomail"),
    Form(Role.CONFIRM, "-confirm+", _TOKEN),
    Form(Role.MODERATE, "-moderate+", _TOKEN),
    Form(Role.BOUNCES, "-bounces+", _TOKEN),
    Form(Role.ITEM, "+re-", _TOKEN),
    Form(Role.ALIAS, "+", _ALIAS_AND_TOKEN),
)

# Local parts that belong to a whole domain.
DOMAIN_FORMS: tuple[Form, ...] = (
    Form(Role.ROBOT, ROBOT),
    Form(Role.ROBOT_CONFIRM, f"{ROBOT}-confirm+", _TOKEN),
    Form(Role.ROBOT_BOUNCES, f"{ROBOT}-bounces+", _TOKEN),
    Form(Role.POSTMASTER, "postmaster"),
    Form(Role.ABUSE, "abuse"),
    Form(Role.FBL, "fbl"),
)

# Suffixes without + : a list name may not end in one of these.
RESERVED_SUFFIXES = tuple(
    sorted(
        {form.suffix.rstrip("+") for form in FORMS if form.suffix.startswith("-")},
        key=lambda suffix: (-len(suffix), suffix),
    )
)


def why_not_a_list_name(name: str) -> str | None:
    """Why `name` cannot be a list's name, as a clause for the operator; None when it can."""
    if not _NAME.fullmatch(name):
        return "a list name is made of a-z, 0-9 and single . _ - between them"
    if len(name) > MAX_LIST_NAME:
        return f"a list name has at most {MAX_LIST_NAME} characters"
    if name in RESERVED_NAMES:
        return f"{name} is an address of the program itself"
    for suffix in RESERVED_SUFFIXES:
        if name.endswith(suffix):
            return f"names ending in {suffix} are a list's own addresses"
    return None


@dataclass(frozen=True, slots=True)
class Recipient:
    """A local part, understood. `name` is the list's (empty for an address of the domain);
    `argument` is the token, or for an alias address ALIAS.TOKEN."""

    role: Role
    name: str
    argument: str = ""


def read_local(local: str, is_list: Callable[[str], bool]) -> Recipient | None:
    """What a local part of one of our domains means, or None when nothing of ours has it.

    Exact list name wins, then the longest known suffix. `is_list` is asked for lower-case names.
    A known list with a sub-address that means nothing is None too: see `list_in`.
    """
    local = ascii_lower(local)
    if is_list(local):
        return Recipient(Role.POST, local)
    for form in DOMAIN_FORMS:
        argument = _argument(local, form)
        if argument is not None:
            return Recipient(form.role, "", argument)
    for name, rest in _splits(local):
        if not is_list(name):
            continue
        for form in _BY_LENGTH:
            argument = _argument(rest, form)
            if argument is not None:
                return Recipient(form.role, name, argument)
    return None


def is_return_path(address: str) -> bool:
    """Whether an address at one of our domains can be nothing but a return path of ours."""
    name, plus, token = ascii_lower(address.rpartition("@")[0]).partition("+")
    suffix = _FIRST[Role.BOUNCES].suffix.rstrip("+")
    return bool(plus) and name.endswith(suffix) and _TOKEN.fullmatch(token) is not None


def posting_key(address: Address) -> str:
    """The key of an address; of one that answers an item of a digest, LIST+re-TOKEN, that of the
    list: no name of a list has a plus sign."""
    name, plus, rest = ascii_lower(address.local).partition("+")
    answers = plus and _argument(plus + rest, _FIRST[Role.ITEM]) is not None
    return f"{name}@{address.domain}" if answers else address.key


def list_in(local: str, is_list: Callable[[str], bool]) -> str | None:
    """The list whose sub-address `local` pretends to be, for mail that is to be dropped quietly
    rather than refused by the MTA in front of us (over LMTP)."""
    local = ascii_lower(local)
    if is_list(local):
        return local
    return next((name for name, _ in _splits(local) if is_list(name)), None)


_BY_LENGTH = tuple(sorted((f for f in FORMS if f.suffix), key=lambda f: -len(f.suffix)))


def _splits(local: str) -> Iterator[tuple[str, str]]:
    """(name, rest) at each + or -, longest name first."""
    for at in range(len(local) - 1, 0, -1):
        if local[at] in "+-":
            yield local[:at], local[at:]


def _argument(text: str, form: Form) -> str | None:
    if not text.startswith(form.suffix):
        return None
    rest = text[len(form.suffix) :]
    if form.argument is None:
        return "" if not rest else None
    return rest if form.argument.fullmatch(rest) else None


@dataclass(frozen=True, slots=True)
class ListAddresses:
    """Every address of one list, written out."""

    name: str
    domain: str

    def of(self, role: Role, argument: str = "") -> str:
        """The address that means `role`; those with a token take it as `argument`."""
        return f"{self.name}{_FIRST[role].suffix}{argument}@{self.domain}"

    @property
    def post(self) -> str:
        return self.of(Role.POST)

    @property
    def request(self) -> str:
        return self.of(Role.REQUEST)

    @property
    def owner(self) -> str:
        return self.of(Role.OWNER)


_FIRST: dict[Role, Form] = {form.role: form for form in reversed(FORMS)}


def robot_address(role: Role, domain: str, argument: str = "") -> str:
    """An address of the domain itself: listserv@, postmaster@, listserv-bounces+TOKEN@."""
    form = next(f for f in DOMAIN_FORMS if f.role is role)
    return f"{form.suffix}{argument}@{domain}"
