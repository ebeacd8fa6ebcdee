"""An answer to a digest with the thread, the subject and the text that were meant."""

from email import message_from_bytes
from email.message import Message

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listserv.mail.mending import Mending, mended
from listserv.mail.parse import parse
from tests.mail.building import a_post

POSTING = {"town@lists.example.org", "old@lists.example.org"}
TOKEN = "abcdefgh234567abcdefgh23"
THREAD = ("<root@x.y>", "<item@x.y>")
MULTIPART = 'MIME-Version: 1.0\nContent-Type: {}; boundary="b1"\nContent-Language: en'


def mend(raw: bytes, mending: Mending | None) -> bytes:
    return mended(raw, mending, POSTING, lambda one: one == "<digest@x.y>")


def parts(*pieces: str) -> str:
    return "".join(f"--b1\n{piece}\n" for piece in pieces) + "--b1--\n"


def read(raw: bytes) -> Message:
    message = message_from_bytes(raw)
    assert not message.defects and not any(part.defects for part in message.walk())
    return message


RECIPIENTS = {
    f"town+re-{TOKEN}@lists.example.org": "town@lists.example.org",
    f'"town+re-{TOKEN}@Lists.Example.org" <TOWN+RE-{TOKEN}@LISTS.example.org>':
        '"town@Lists.Example.org" <TOWN@LISTS.example.org>',
    "Ann <ann@x.test>,\n old+re-a@lists.example.org": "Ann <ann@x.test>,\n old@lists.example.org",
    f"town+re-{TOKEN}@x.test": f"town+re-{TOKEN}@x.test",
    f"other+re-{TOKEN}@lists.example.org": f"other+re-{TOKEN}@lists.example.org",
    "town+re-1890@lists.example.org": "town+re-1890@lists.example.org",
}  # fmt: skip


@pytest.mark.parametrize(("to", "becomes"), RECIPIENTS.items())
@pytest.mark.parametrize("name", ["To", "Cc"])
def test_the_address_of_an_item_is_the_lists(name: str, to: str, becomes: str) -> None:
    raw = a_post(f"{name}: {to}", f"Subject: {to}")
    wanted = a_post(f"{name}: {becomes}", f"Subject: {to}")
    assert mend(raw, None) == wanted


@given(st.binary(max_size=200))
def test_what_answers_nothing_stays_as_it_is(raw: bytes) -> None:
    assert mend(raw, None) == raw


@given(st.binary(max_size=200), st.sampled_from([None, "Re: x"]), st.sampled_from([None, "x\ny"]))
def test_any_bytes_can_be_mended(raw: bytes, subject: str | None, text: str | None) -> None:
    post = parse(mend(raw, Mending(THREAD, subject, text)))
    assert post.parents == THREAD
    assert subject is None or post.subject == subject


def test_thread_and_subject_take_the_place_of_the_authors() -> None:
    fields = ["In-Reply-To: <digest@x.y>", "References: <digest@x.y>", "Thread-Topic: 12 messages"]
    raw = a_post(*fields, "Subject: Re: 12 messages", "X-Kept: 1", body="Hello\n")
    message = read(mend(raw, Mending(THREAD, "Re: Grüße", None)))
    assert message["References"] == "<root@x.y> <item@x.y>" and message["In-Reply-To"] == THREAD[1]
    assert parse(mend(raw, Mending(THREAD, "Re: Grüße", None))).subject == "Re: Grüße"
    assert message["Thread-Topic"] is None and message["X-Kept"] == "1"
    assert message.get_payload() == "Hello\r\n"
    alone = read(mend(raw, Mending((), None, None)))
    assert alone["References"] is None and alone["Subject"] == "Re: 12 messages"


TEXT = "Content-Type: text/plain\n\nHello\n> digest"
PAGE = "Content-Type: text/html\n\n<p>Hello</p><blockquote>digest</blockquote>"
PHOTO = "Content-Type: image/png; name=a.png\nContent-Transfer-Encoding: base64\n\niVBORw0K"
DIGEST = "Content-Type: message/rfc822\n\nMessage-ID: <digest@x.y>\n\ndigest"
LETTER = "Content-Type: message/rfc822\n\nMessage-ID: <other@x.y>\n\nother"
SIGNED = "Content-Type: application/pgp-signature; name=s.asc\n\nwith the digest"
BODIES: dict[str, tuple[str, tuple[str, ...], list[str]]] = {
    "one text": ("", (), ["text/plain"]),
    "two texts": ("multipart/alternative", (TEXT, PAGE), ["text/plain"]),
    "a page and a photo": ("multipart/related", (PAGE, PHOTO), ["text/plain", "image/png"]),
    "texts around a photo": ("multipart/mixed", (TEXT, PHOTO, TEXT), ["text/plain", "image/png"]),
    "the digest attached": ("multipart/mixed", (TEXT, DIGEST), ["text/plain"]),
    "a letter attached": (
        "multipart/mixed",
        (TEXT, LETTER),
        ["text/plain", "message/rfc822", "text/plain"],
    ),
    "signed": ("multipart/signed", (TEXT, SIGNED), ["text/plain"]),
}


@pytest.mark.parametrize(("kind", "pieces", "kinds"), BODIES.values(), ids=BODIES)
def test_another_text_takes_the_place_of_all_texts(
    kind: str, pieces: tuple[str, ...], kinds: list[str]
) -> None:
    head = (
        [MULTIPART.format(kind)]
        if kind
        else ["Content-Type: text/html", "Content-Transfer-Encoding: 8bit"]
    )
    raw = a_post(*head, body="\n" + (parts(*pieces) if kind else "<p>digest</p>\n"))
    message = read(mend(raw, Mending(THREAD, None, "Grüße\n" + "long " * 400)))
    leaves = [
        part
        for part in message.walk()
        if not part.is_multipart() or part.get_content_type() == "message/rfc822"
    ]
    assert [part.get_content_type() for part in leaves] == kinds
    first = leaves[0].get_payload(decode=True)
    assert isinstance(first, bytes) and first.decode().startswith("Grüße\r\nlong long")
    assert b"digest" not in message.as_bytes().replace(b"<digest@", b"")
    assert (
        message["Content-Language"] is None and max(map(len, message.as_bytes().split(b"\n"))) < 999
    )


def test_what_has_no_text_keeps_its_body() -> None:
    for kind, pieces in (("multipart/mixed", (PHOTO,)), ("multipart/encrypted", (SIGNED,))):
        raw = a_post(MULTIPART.format(kind), body="\n" + parts(*pieces))
        made = mend(raw, Mending(THREAD, None, "words"))
        assert made.partition(b"\r\n\r\n")[2] == raw.partition(b"\r\n\r\n")[2]
