"""What was signed with S/MIME, out of what hides it."""

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.hazmat.primitives.serialization.pkcs7 import PKCS7Options, PKCS7SignatureBuilder
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from listserv.mail.opaque import signed_content
from listserv.mail.rendering import MAX_SIGNED, Note, render
from tests.mail.building import crlf
from tests.mail.posts import BASE64, in_base64, part, post

CONTENT = crlf(part("text/html; charset=utf-8", "<p>Signed.</p>"))
DATA = bytes.fromhex("06092a864886f70d010701")
SIGNED = bytes.fromhex("06092a864886f70d010702")
# Lengths indefinite, and the content in pieces, as programs write that do not know its end.
STREAMED = b"".join(
    (b"\x30\x80", SIGNED, b"\xa0\x80\x30\x80\x02\x01\x01\x31\x00\x30\x80", DATA,
     b"\xa0\x80\x24\x80", b"\x04\x03One", b"\x04\x81\x03Two", b"\0\0" * 6)
)  # fmt: skip


@pytest.fixture(scope="module")
def der() -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Ann")])
    day = datetime(2026, 5, 9, tzinfo=UTC)
    certificate = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(day).not_valid_after(day + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    builder = PKCS7SignatureBuilder().set_data(CONTENT)
    builder = builder.add_signer(certificate, key, hashes.SHA256())
    return builder.sign(Encoding.DER, [PKCS7Options.Binary])


def test_the_text_of_a_signed_message_is_shown(der: bytes) -> None:
    assert signed_content(der) == CONTENT
    kind = "application/pkcs7-mime; smime-type=signed-data; name=smime.p7m"
    found = render(post(part(kind, in_base64(der), BASE64)))
    assert (found.text, found.notes, found.attachments) == ("Signed.", (), ())


def test_a_content_in_pieces_is_put_together() -> None:
    assert signed_content(STREAMED) == b"OneTwo"


ODD = {
    "another kind of message": STREAMED.replace(SIGNED, DATA),
    "a length of nine octets": b"\x30\x89" + b"\x01" * 20,
    "a version that does not say where it ends": STREAMED.replace(b"\x02\x01", b"\x02\x80"),
    "nothing": b"",
}


@pytest.mark.parametrize("case", ODD)
def test_what_is_odd_is_not_read(case: str) -> None:
    assert signed_content(ODD[case]) is None


def test_a_signed_message_that_is_too_long_is_read_as_far_as_may_be() -> None:
    content = b"Content-Type: text/plain\r\n\r\n" + b"One. " * (MAX_SIGNED // 5)
    data = STREAMED.split(b"\x24\x80")[0] + b"\x04\x84" + len(content).to_bytes(4, "big") + content
    found = render(post(part("application/pkcs7-mime", in_base64(data), BASE64)))
    assert found.text.startswith("One. One. ") and found.notes[0] == Note.UNREAD


def test_of_what_is_cut_the_beginning_is_read(der: bytes) -> None:
    for end in range(len(der)):
        content = signed_content(der[:end])
        assert content is None or CONTENT.startswith(content)


@given(st.binary(max_size=60), st.integers(0, len(STREAMED)))
def test_any_octets_are_read(octets: bytes, at: int) -> None:
    signed_content(octets)
    signed_content(STREAMED[:at] + octets + STREAMED[at + 1 :])
