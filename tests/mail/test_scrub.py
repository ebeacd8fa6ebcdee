"""A message without our tokens: wherever one may stand in what people forward and quote."""

import base64
import quopri
from email import message_from_bytes
from email.header import decode_header, make_header
from email.message import Message

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listserv.domain.address import DOMAIN_FORMS, FORMS, ListAddresses, Role, robot_address
from listserv.domain.tokens import Purpose, copy_token, random_token, web_tokens
from listserv.mail.scrub import _patterns, text_without_tokens, without_tokens

OURS = frozenset({"lists.example.org", "xn--bcher-kva.example"})
TOWN = ListAddresses("town", "lists.example.org")
TOKEN = random_token(b"fifteen octets.")
LONG = copy_token(b"s" * 32, Purpose.LEAVE, 7, 9)
(WEB,) = web_tokens(b"s" * 32, [7], 9)
MODERATE = TOWN.of(Role.MODERATE, TOKEN)
CONFIRM = TOWN.of(Role.CONFIRM, TOKEN)
PLAIN = b"Content-Type: text/plain; charset=utf-8\r\n"
QUOTED = PLAIN + b"Content-Transfer-Encoding: quoted-printable\r\n\r\n"
BASE64 = PLAIN + b"Content-Transfer-Encoding: base64\r\n\r\n"


def scrubbed(raw: bytes) -> bytes:
    """It, and a second time nothing is left to do."""
    made = without_tokens(raw, OURS)
    assert without_tokens(made, OURS) is made
    return made


def wrapped(*parts: bytes, kind: bytes = b"mixed") -> bytes:
    body = b"".join(b"--b1\r\n" + part + b"\r\n" for part in parts)
    return b'Content-Type: multipart/%s; boundary="b1"\r\n\r\n%s--b1--\r\n' % (kind, body)


def readable(raw: bytes) -> str:
    """Everything that a reader of this message can come by."""
    found = []
    for part in message_from_bytes(raw).walk():
        found += [f"{name}: {make_header(decode_header(value))}" for name, value in part.items()]
        payload = part.get_payload(decode=True)
        if isinstance(payload, bytes):
            found.append(payload.decode("utf-8", "replace"))
    return "\n".join(found)


# As people and programs write it. Text -> what stays.
TEXTS = {
    MODERATE: "town-moderate@lists.example.org",
    CONFIRM: "town-confirm@lists.example.org",
    TOWN.of(Role.LEAVE_TOKEN, LONG): "town-leave@lists.example.org",
    TOWN.of(Role.BOUNCES, LONG): "town-bounces@lists.example.org",
    robot_address(Role.ROBOT_CONFIRM, "lists.example.org", TOKEN):
        "listserv-confirm@lists.example.org",
    robot_address(Role.ROBOT_BOUNCES, "lists.example.org", LONG):
        "listserv-bounces@lists.example.org",
    MODERATE.upper(): "TOWN-MODERATE@LISTS.EXAMPLE.ORG",
    f"a <{CONFIRM}>, and [mailto:{MODERATE}].":
        "a <town-confirm@lists.example.org>, and [mailto:town-moderate@lists.example.org].",
    f"mailto:{CONFIRM.replace('+', '%2B').replace('@', '%40')}?subject=x":
        "mailto:town-confirm%40lists.example.org?subject=x",
    f"{CONFIRM.replace('+', '&#43;').replace('@', '&#64;')}":
        "town-confirm&#64;lists.example.org",
    f"<span class=SpellE>town-confirm+{TOKEN}</span>@lists.example.org":
        "<span class=SpellE>town-confirm</span>@lists.example.org",
    f"https://lists.example.org/u/{WEB}": "https://lists.example.org/u/",
    f"<https://lists.example.org/u/{WEB}>, <mailto:town-leave+{LONG}@lists.example.org>":
        "<https://lists.example.org/u/>, <mailto:town-leave@lists.example.org>",
    f"(HTTPS://LISTS.EXAMPLE.ORG:8443/our/lists/C/{TOKEN.upper()}).":
        "(HTTPS://LISTS.EXAMPLE.ORG:8443/our/lists/C/).",
    f'<a href="https://bücher.example/s/{LONG}">here</a>':
        '<a href="https://bücher.example/s/">here</a>',
    f"https://safe.example/?url=https%3A%2F%2Flists.example.org%2Fu%2F{WEB}&data=x":
        "https://safe.example/?url=https%3A%2F%2Flists.example.org%2Fu%2F&data=x",
    f"https://lists.example.org&#47;c&#x2f;{TOKEN}": "https://lists.example.org&#47;c&#x2f;",
    f"rosen-confirm+{TOKEN}@bücher.example": "rosen-confirm@bücher.example",
    f"rosen-confirm+{TOKEN}@xn--bcher-kva.example": "rosen-confirm@xn--bcher-kva.example",
}  # fmt: skip
# What is none of ours, or does nothing for anybody.
OTHERS = (
    f"town-confirm+{TOKEN}@lists.example.net", "town-confirm+subscribe@lists.example.org",
    f"town-confirm+{TOKEN[:21]}@lists.example.org", f"town+re-{LONG}@lists.example.org",
    f"town-confirm+{LONG}a@lists.example.org", f"town+rose.{LONG[:20]}@lists.example.org",
    f"town-confirm+{TOKEN} @lists.example.org", f"ann+{TOKEN}@lists.example.org",
    f"town-confirm+{'0' * 22}@lists.example.org", f"town-confirm-{TOKEN}@lists.example.org",
    "town-leave@lists.example.org", TOKEN,
    f"https://other.example/u/{WEB}", f"https://lists.example.org/u/{WEB[:21]}",
    f"https://lists.example.org/lists/{WEB}", f"https://lists.example.org/u {WEB}",
    f"https://lists.example.org/a b/u/{WEB}", f"https://lists.example.org/u/{'0' * 32}",
)  # fmt: skip


def test_every_form_with_a_token_is_looked_for_unless_its_token_only_names_something() -> None:
    acts = {
        form.role
        for form in (*FORMS, *DOMAIN_FORMS)
        if form.argument and form.role not in {Role.ITEM, Role.ALIAS}
    }
    for role in acts:
        is_domains = role in {form.role for form in DOMAIN_FORMS}
        address = (
            robot_address(role, TOWN.domain, TOKEN) if is_domains else TOWN.of(role, TOKEN)
        )  # fmt: skip
        assert text_without_tokens(address, OURS) == address.replace(f"+{TOKEN}", "")


@pytest.mark.parametrize("text", TEXTS)
def test_a_token_is_cut_out_of_a_text(text: str) -> None:
    assert text_without_tokens(text, OURS) == TEXTS[text]


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("before", ["", "Grüße und ein langer Satz davor, bis hierher: "])
def test_and_of_a_body_in_every_encoding(text: str, before: str) -> None:
    whole, stays = f"{before}{text} > end\r\n".encode(), f"{before}{TEXTS[text]} > end\r\n".encode()
    assert scrubbed(PLAIN + b"\r\n" + whole) == PLAIN + b"\r\n" + stays
    quoted = quopri.encodestring(whole).replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    for octets in (quoted, everything_quoted(whole)):
        made = scrubbed(QUOTED + octets).removeprefix(QUOTED)
        assert quopri.decodestring(made.replace(b"\r\n", b"\n")).strip() == stays.strip()
    made = scrubbed(BASE64 + base64.encodebytes(whole)).removeprefix(BASE64)
    assert base64.b64decode(made) == stays


def everything_quoted(octets: bytes) -> bytes:
    """Each octet as =XX, and a soft line break behind each seventh."""
    coded = [b"=%02X" % octet for octet in octets]
    return b"=\r\n".join(b"".join(coded[at : at + 7]) for at in range(0, len(coded), 7)) + b"\r\n"


@pytest.mark.parametrize("text", OTHERS)
def test_everything_else_stays_octet_for_octet(text: str) -> None:
    whole = f"{text}\r\n".encode()
    for raw in (PLAIN + b"\r\n" + whole, QUOTED + everything_quoted(whole),
                BASE64 + base64.encodebytes(whole), b"Subject: " + whole + b"\r\n"):  # fmt: skip
        assert without_tokens(raw, OURS) is raw


# A moderator's notice, as their program forwards it to the list as an attachment.
NOTICE = (
    b'From: "Town" <town-request@lists.example.org>\r\nReply-To: %s\r\n'
    b"List-Unsubscribe: <https://lists.example.org/u/%s>,\r\n <mailto:%s>\r\nReturn-Path: <%s>\r\n"
    b"Subject: A post waits\r\n\r\nReply with one word.\r\n"
    % (MODERATE.encode(), WEB.encode(), TOWN.of(Role.LEAVE_TOKEN, LONG).encode(),
       TOWN.of(Role.BOUNCES, LONG).encode())
)  # fmt: skip
HTML = f'<p>From: <a href="mailto:{MODERATE}">{MODERATE}</a></p>'.encode()
# Where it may stand: messages in which nobody may find the tokens.
PLACES: dict[str, bytes] = {
    "a forwarded message":
        wrapped(PLAIN + b"\r\nSee below", b"Content-Type: message/rfc822\r\n\r\n" + NOTICE),
    "a forwarded message in a forwarded one": wrapped(
        b"Content-Type: message/rfc822\r\n\r\n"
        + wrapped(b"Content-Type: message/rfc822\r\n\r\n" + NOTICE + BASE64)
        .replace(b"b1", b"b2")),
    "in base64 in a forwarded one": wrapped(
        b"Content-Type: message/rfc822\r\n\r\n" + BASE64 + base64.encodebytes(NOTICE)),
    "a forwarded one in base64": wrapped(
        b"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        + base64.encodebytes(BASE64 + base64.encodebytes(NOTICE))),
    "a page beside a text": wrapped(
        QUOTED + everything_quoted(b"> " + MODERATE.encode()),
        b"Content-Type: text/html\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        + base64.encodebytes(HTML), kind=b"alternative"),
    "an attached text": wrapped(
        b"\r\nHello", b"Content-Disposition: attachment; filename=mail.txt\r\n" + BASE64
        + base64.encodebytes(NOTICE)),
    "an attachment of no type": wrapped(
        b"Content-Type: application/octet-stream; name=mail.eml\r\n"
        b"Content-Transfer-Encoding: base64\r\n\r\n" + base64.encodebytes(NOTICE)),
    "the name of an attachment": wrapped(
        b"Content-Type: image/png; name*=utf-8''%s.png\r\n\r\nx"
        % CONFIRM.replace("+", "%2B").replace("@", "%40").encode()),
    "between the parts": wrapped(b"\r\nHello").replace(b"\r\n\r\n--b1", b"\r\n\r\n" +
        CONFIRM.encode() + b"\r\n--b1", 1) + CONFIRM.encode(),
    "too deep to be read": (
        b"".join(b"Content-Type: multipart/mixed; boundary=x%d\r\n\r\n--x%d\r\n" % (n, n)
                 for n in range(40)) + b"\r\n" + CONFIRM.encode()),
    "To and Cc":
        b"To: town@lists.example.org, %s\r\nCc: Town <%s>\r\n\r\nHello"
        % (MODERATE.encode(), CONFIRM.encode()),
    "a name before an address":
        b'To: "%s" <bob@example.org>\r\n\r\nHello' % MODERATE.encode(),
    "an encoded name": b"To: =?utf-8?q?=22%s=22?= <bob@example.org>\r\n\r\nHello"
        % MODERATE.replace("@", "=40").encode(),
    "a subject": b"Subject: Fwd: %s\r\n\r\nHello" % CONFIRM.encode(),
    "an encoded subject": b"Subject: =?utf-8?b?%s?=\r\n\r\nHello"
        % base64.b64encode(f"Grüße {CONFIRM}".encode()),
    "a subject in two words": b"Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe_%s?=\r\n =?utf-8?q?%s?=\r\n\r\nx"
        % (CONFIRM[:25].encode(), CONFIRM[25:].replace("@", "=40").encode()),
    "any other field": b"X-Original-Message: %s\r\nComments: <%s>\r\n\r\nHello"
        % (CONFIRM.encode(), CONFIRM.encode()),
    "no header": b"\r\n" + CONFIRM.encode(),
}  # fmt: skip


@pytest.mark.parametrize("place", PLACES)
def test_no_reader_finds_a_token(place: str) -> None:
    raw = PLACES[place]
    made = readable(scrubbed(raw))
    for token in (TOKEN, LONG, WEB):
        assert token not in made
    for octets in (TOKEN.encode(), LONG.encode(), WEB.encode()):
        assert octets not in made.encode() and octets not in scrubbed(raw)


def test_what_stands_beside_it_stays() -> None:
    for name in ("To and Cc", "an encoded name"):
        made = message_from_bytes(scrubbed(PLACES[name]))
        assert "bob@example.org" in made["To"] or "town@lists.example.org" in made["To"]
    made = message_from_bytes(scrubbed(PLACES["an encoded subject"]))
    subject = str(make_header(decode_header(made["Subject"])))
    assert subject == "Grüße town-confirm@lists.example.org"
    page = part_of(scrubbed(PLACES["a page beside a text"]), 1).get_payload(decode=True)
    assert page == HTML.replace(f"+{TOKEN}".encode(), b"")


def part_of(raw: bytes, number: int) -> Message:
    part = message_from_bytes(raw).get_payload(number)
    assert isinstance(part, Message)
    return part


def test_a_file_that_is_no_text_keeps_its_length() -> None:
    content = b"\x00\x01\x80" + CONFIRM.encode() + b"\xff\x00"
    head = b"Content-Type: application/ms-tnef\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    made = part_of(scrubbed(wrapped(head + base64.encodebytes(content))), 0)
    payload = made.get_payload(decode=True)
    assert payload == content.replace(f"+{TOKEN}".encode(), b"-" * (len(TOKEN) + 1))


@pytest.mark.parametrize("before", ["", "a", "ab", "abc"])
@pytest.mark.parametrize("kind", ["text/plain", "image/png"])
def test_a_text_that_only_says_that_it_is_base64(kind: str, before: str) -> None:
    """Some of these can be decoded, to nonsense, and some cannot."""
    head = f"Content-Type: {kind}\r\nContent-Transfer-Encoding: base64\r\n\r\n{before}"
    made = scrubbed((head + CONFIRM).encode())
    assert made == (head + CONFIRM.replace(f"+{TOKEN}", "")).encode()


def test_a_picture_in_which_the_same_letters_stand_is_left_alone() -> None:
    raw = wrapped(
        b"Content-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        + base64.encodebytes(NOTICE)
    )
    assert without_tokens(raw, OURS) is raw


_SOUP = st.lists(
    st.sampled_from(
        [b"Content-Type: multipart/mixed; boundary=b\r\n", b"--b", b"--b--", b"\r\n", b"\n", b"=",
         b"Content-Type: message/rfc822\r\n", b"Content-Transfer-Encoding: base64\r\n", b"\r\n\r\n",
         b"Content-Transfer-Encoding: quoted-printable\r\n", b"Subject: =?utf-8?q?", b"?=", b"<b>",
         CONFIRM.encode(), CONFIRM[:20].encode(), CONFIRM[20:].encode(), b"To: ", b"\xff", b"\0",
         base64.encodebytes(CONFIRM.encode())]
    ),
    max_size=30,
).map(b"".join)  # fmt: skip


@given(st.one_of(st.binary(max_size=300), _SOUP))
def test_any_bytes_are_read_and_no_plain_token_is_left(raw: bytes) -> None:
    made = without_tokens(raw, OURS)
    assert CONFIRM.encode() not in made
    if CONFIRM[:20].encode() not in raw and b"base64" not in raw:
        assert made is raw


_PIECES = st.lists(
    st.sampled_from(
        [MODERATE, CONFIRM.upper(), TOKEN, "town-CONFIRM+", "-leave%2B", "-bounces&#43;", "@",
         "%40", "lists.example.org", "LISTS.example.ORG", "bücher.example",
         "xn--bcher-kva.example", "/u/", "%2FC&#47;", "/x/", WEB, WEB.upper(), "<b>", "a", "-",
         " ", "\r\n"]
    ),
    max_size=12,
).map(lambda pieces: "".join(pieces).encode())  # fmt: skip


@given(_PIECES)
def test_the_quick_look_sees_what_a_search_finds(octets: bytes) -> None:
    """In a message in which nothing is encoded too: there nothing else looks."""
    patterns = _patterns(OURS)
    stands = any(pattern.search(octets) for pattern in patterns.plain)
    assert patterns.stand_in(octets, octets.lower()) == stands
    raw = PLAIN + b"\r\n" + octets
    assert (without_tokens(raw, OURS) is not raw) == stands
    # An encoded word says nothing here, and has everything looked at.
    odd = b"X-Any: =?\r\n"
    assert without_tokens(odd + raw, OURS) == odd + without_tokens(raw, OURS)


@pytest.mark.parametrize(
    "bomb",
    [b"-confirm+" * 20_000, b"-confirm+" + b"a" * 200_000, b"-confirm+" + b"=\r\n" * 60_000,
     (b"-confirm+" + b"a" * 24 + b"<" * 200) * 800, b"=2d" * 60_000, b"-=\r\n" * 50_000,
     (b"-confirm+" + b"a" * 24 + b"<x>" * 40) * 1000,
     b"lists.example.org/u/" * 10_000, b"lists.example.org" + b"/" * 200_000,
     b"lists.example.org/u/=\r\n" * 8_000, b"lists.example.org" + b"=\r\n" * 60_000,
     b"lists.example.org=2F" * 10_000],
    ids=range(12),
)  # fmt: skip
def test_hostile_bodies_are_read_at_once(bomb: bytes) -> None:
    for head in (PLAIN + b"\r\n", QUOTED):
        assert without_tokens(head + bomb, OURS).endswith(bomb)
