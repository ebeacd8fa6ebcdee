"""Our signatures: dkimpy finds them good, and nothing that they cover can be changed or added."""

import hashlib
import re
import tomllib
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from dkim.canonicalization import Relaxed
from hypothesis import given
from hypothesis import strategies as st

from listserv.domain.errors import ListservError
from listserv.mail.notices import write_notice
from listserv.mail.personal import ONE_CLICK, personal_form, personal_values
from listserv.mail.sign import SIGNED, Form, Signer, body_hash, read_key
from tests.mail.building import NOW, a_list, a_post, copy_of, crlf, fields_of, values
from tests.mail.signing import (
    DOMAIN,
    FORM,
    KEY,
    SECRET,
    SELECTOR,
    SIGNER,
    just_now,
    on_the_wire,
    personal,
    prepared,
    signed,
    tags,
    verifies,
)
from tests.mail.test_golden import CASES, GOLDEN
from tests.mail.test_notices import FRAME, Words


@pytest.mark.parametrize("name", CASES)
def test_every_golden_copy_verifies_personal_or_not(name: str) -> None:
    told = tomllib.loads((GOLDEN / f"{name}.toml").read_text(encoding="utf-8"))
    copy = copy_of((GOLDEN / f"{name}.in.eml").read_bytes(), **told.get("settings", {}))
    assert verifies(signed(copy))
    shared = SIGNER.prepare(copy.head, (copy.body,), just_now())
    assert verifies(on_the_wire(shared.copy()))


ODD_FIELDS = {
    "folded": b"Subject: one\r\n two\r\n\t three",
    "folded at once": b"Subject:\r\n  one",
    "8-bit": "Subject: Grüße".encode("latin-1"),
    "empty": b"Subject:",
    "blank": b"Subject:   \t ",
    "a space before the colon": b"Subject : x",
    "a tab before the colon": b"Subject\t: x",
    "no space behind the colon": b"Subject:x",
    "tabs in front": b"Subject:\t\t x",
    "runs of spaces": b"Subject: a    b \t c   ",
    "controls that some take for white space": b"Subject: \x0b\x0ca\x0bb\x0c",
    "other controls": b"Subject: \x01\x1b\x1ca\x7f\x85",
    "capitals": b"SUBJECT: x",
    "two": b"Subject: one\r\nSubject: two",
    "a colon and a semicolon": b"Subject: a: b; h=from; b=xyz",
    "an unusual name": b"Content-a;b=c: x\r\nContent-X: y",
    "thousands of names": b"\r\n".join(b"Content-X%d: y" % n for n in range(3000)),
    "an empty Content-Type": b"Content-Type:",
    "8-bit in a part": "Content-Disposition: attachment; filename=ü".encode(),
    "a line of 3,000 octets": b"Subject: " + b"word " * 600,
    "a word of 3,000 octets": b"References: <" + b"x" * 3000 + b">",
}  # fmt: skip


@pytest.mark.parametrize("case", ODD_FIELDS)
def test_odd_header_fields_verify(case: str) -> None:
    raw = b"From: Ann <ann@example.org>\r\n" + ODD_FIELDS[case] + b"\r\n\r\nhello\r\n"
    assert verifies(signed(copy_of(raw)))


BODIES = {
    "empty": b"",
    "no line end": b"hello",
    "an end without LF": b"hello\r",
    "blank lines only": b"\r\n\r\n\r\n",
    "blanks only": b" \t \r\n \r\n\t",
    "blank lines at the end": b"hello\r\n\r\n \r\n\r\n",
    "blank lines in front": b"\r\n\r\n hello",
    "white space": b"a  \t b \r\n\tc\t\r\n",
    "white space at the very end": b"hello \t",
    "dots": b".\r\n..\r\n. \r\n",
    "bare line ends": b"a\nb\rc \n\r\nd\r\r\n\n",
    "8-bit": "Grüße\r\n".encode() + bytes(range(256)),
    "4 MB": b"The quick brown fox  jumps over the lazy dog. \r\n" * 90_000,
    "4 MB of blank lines, then a word": b"\r\n" * 2_000_000 + b"x",
}  # fmt: skip


@pytest.mark.parametrize("case", BODIES)
def test_odd_bodies_verify(case: str) -> None:
    head = copy_of(a_post("Subject: x")).head
    made = SIGNER.prepare(head, (BODIES[case],), just_now())
    assert verifies(on_the_wire(made.copy()))


def test_a_body_of_white_space_is_no_work() -> None:
    """Symptom: a regular expression that looks for line ends behind white space takes an hour."""
    assert body_hash((b"a" + b" " * 4_000_000 + b"b",)) == hashlib.sha256(b"a b\r\n").digest()


@given(st.lists(st.binary(max_size=8) | st.text(alphabet="a \t\r\n", max_size=8).map(str.encode)))
def test_a_body_has_the_same_hash_in_any_pieces(pieces: list[bytes]) -> None:
    whole = b"".join(pieces)
    assert body_hash(pieces) == body_hash((whole,))
    # As dkimpy sees it: line ends mended, and one at the end, which every body has that arrives.
    arrived = whole if not whole or whole.endswith(b"\r\n") else whole + b"\r\n"
    theirs = Relaxed.canonicalize_body(re.sub(rb"\r?\n", b"\r\n", arrived))
    assert body_hash(pieces) == hashlib.sha256(theirs).digest()


_NAMES = st.sampled_from(
    [*SIGNED, "Content-Language", "Content-X;", "X-Any", "Sender", "DKIM-Signature", "Received"]
)
_VALUES = st.binary(max_size=30) | st.text(alphabet="a \t\r\n\x0b\x0c:;,<>@é", max_size=40).map(
    str.encode
)
_FIELDS = st.lists(
    st.tuples(_NAMES, st.sampled_from([":", " :", ": ", ":\t"]), _VALUES), max_size=8
)


@given(_FIELDS, st.binary(max_size=60) | _VALUES, st.booleans())
def test_whatever_passes_as_a_copy_is_signed_and_verifies(
    fields: list[tuple[str, str, bytes]], body: bytes, footer: bool
) -> None:
    raw = b"".join(f"{name}{colon}".encode() + value + b"\r\n" for name, colon, value in fields)
    copy = copy_of(raw + b"\r\n" + body, footer="-- \nfoot" if footer else "")
    message = signed(copy)
    fields_of(message.partition(b"\r\n\r\n")[0] + b"\r\n")
    assert verifies(message)


@given(st.binary(max_size=200))
def test_any_bytes_make_a_copy_that_verifies(raw: bytes) -> None:
    assert verifies(signed(copy_of(raw)))


class TestWhatASignatureCovers:
    """h= has every name once more than it is present (RFC 6376 8.15)."""

    COPY = copy_of(
        a_post(
            "Subject: hello", "Reply-To: r@example.org", "In-Reply-To: <a@b>", "References: <a@b>",
            "Message-ID: <c@d>", "Date: Sat, 21 Nov 2026 07:00:00 +0000", "MIME-Version: 1.0",
            "Content-Type: text/plain", "Content-Language: en", "Content-Transfer-Encoding: 8bit",
        )
    )  # fmt: skip

    def test_it_lists_each_name_once_more_than_it_is_present(self) -> None:
        message = signed(self.COPY)
        listed = tags(message)["h"].split(":")
        expected = {name.lower() for name in SIGNED} | {"content-language"}
        assert set(listed) == expected
        for name in expected:
            assert listed.count(name) == len(values(message, name)) + 1

    @pytest.mark.parametrize("name", [*SIGNED, "Content-Language"])
    def test_none_can_be_added(self, name: str) -> None:
        message = signed(self.COPY)
        assert verifies(message)
        added = f"{name}: <mailto:evil@example.net>\r\n".encode()
        assert not verifies(added + message)
        assert not verifies(message.replace(b"\r\n\r\n", b"\r\n" + added + b"\r\n", 1))

    @pytest.mark.parametrize("name", [*SIGNED, "Content-Language"])
    def test_none_can_be_taken_away(self, name: str) -> None:
        message = signed(self.COPY)
        for found, field in fields_of(message.partition(b"\r\n\r\n")[0] + b"\r\n"):
            if found == name.lower():
                assert not verifies(message.replace(field, b"", 1))

    def test_no_octet_of_it_can_be_changed(self) -> None:
        message = signed(self.COPY)
        names = {name.lower() for name in SIGNED} | {"dkim-signature", "content-language"}
        end = message.index(b"\r\n\r\n") + 4
        places = list(range(end, len(message)))
        at = 0
        for name, field in fields_of(message[: end - 2]):
            if name in names:
                places += range(at + len(name) + 1, at + len(field))
            at += len(field)
        # The last character of base64 has bits that say nothing.
        places.remove(message.index(b"==\r\n") - 1)
        octets = (n for n in places if message[n : n + 1].isalnum())
        for n in octets:
            other = b"x" if message[n : n + 1] != b"x" else b"y"
            assert not verifies(message[:n] + other + message[n + 1 :]), message[n - 20 : n + 20]

    def test_nothing_can_be_added_to_the_body(self) -> None:
        message = signed(self.COPY)
        assert not verifies(message + b"evil\r\n")
        assert "l" not in tags(message)

    def test_a_name_that_breaks_the_list_of_names_is_not_in_it(self) -> None:
        copy = copy_of(a_post("Content-a;b: x", "Content-Id: y"))
        listed = tags(signed(copy))["h"].split(":")
        assert "content-id" in listed
        assert not any(";" in name for name in listed)

    def test_an_author_cannot_make_it_long(self) -> None:
        copy = copy_of(a_post(*(f"Content-X{n}: y" for n in range(3000))))
        assert len(prepared(copy).sign(personal())) < 3000


def test_the_tags_are_what_they_should_be() -> None:
    now = just_now()
    made = prepared(copy_of(a_post("Subject: x")), now).sign(personal())
    seconds = int(now.timestamp())
    found = tags(made)
    assert list(found) == ["v", "a", "c", "d", "s", "t", "x", "h", "bh", "b"]
    assert (found["v"], found["a"], found["c"]) == ("1", "rsa-sha256", "relaxed/relaxed")
    assert (found["d"], found["s"]) == (DOMAIN, SELECTOR)
    assert (found["t"], found["x"]) == (str(seconds), str(seconds + 14 * 86_400))


@pytest.mark.parametrize(("days", "good"), [(13, True), (15, False)])
def test_it_is_good_for_fourteen_days(days: int, good: bool) -> None:
    made = prepared(copy_of(a_post()), just_now() - timedelta(days=days))
    assert verifies(on_the_wire(made.copy(personal()))) is good


def test_its_lines_are_short() -> None:
    long = Signer(".".join(["x" * 60] * 4), "y" * 60, rsa.generate_private_key(65537, 4096))
    for signer, longest in ((SIGNER, 78), (long, 400)):
        field = signer.prepare(b"From: a@example.org\r\n", (b"x",), NOW).sign()
        assert fields_of(field)[0] == ("dkim-signature", field)
        assert max(map(len, field.split(b"\r\n"))) <= longest


def test_a_copy_is_what_is_sent_with_the_recipients_own_fields() -> None:
    copy = copy_of(a_post("Subject: x"))
    signature, *rest = prepared(copy).copy(personal(3))
    assert signature.startswith(b"DKIM-Signature: ")
    assert b"".join(rest) == copy.shared + FORM.sent(personal(3)) + b"\r\n" + copy.body


def test_threads_may_sign_the_same_message_at_once() -> None:
    made = prepared(copy_of(a_post("Subject: x")))
    owns = [personal(member) for member in range(100)]
    one_by_one = [made.sign(own) for own in owns]
    assert len(set(one_by_one)) == len(owns)
    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(made.sign, owns)) == one_by_one


def test_another_recipients_signature_is_no_good() -> None:
    made = prepared(copy_of(a_post("Subject: x")))
    ours, others = made.copy(personal(1)), made.copy(personal(2))
    assert verifies(on_the_wire(ours))
    assert not verifies(on_the_wire((others[0], *ours[1:])))


WRONG = {
    "twice": (b"X-One: a\r\nx-one: a\r\n", ()),
    "not a field": (b"X-One: a\r\nHello\r\n", ()),
    "no such blank": (b"X-One: a\r\n", (b"!!",)),
    "a blank twice": (b"X-One: !!, !!\r\n", (b"!!",)),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_form_that_cannot_be_filled_in_is_our_own_mistake(case: str) -> None:
    with pytest.raises(ValueError, match=r"not whole fields|stands not once"):
        Form(*WRONG[case])


@pytest.mark.parametrize("values", [(), (b"a",), (b"a", b"b", b"c")])
def test_every_blank_of_a_form_is_filled_in(values: tuple[bytes, ...]) -> None:
    form = Form(b"X-One: <!!>,\r\n 100%  <??>\r\n", (b"!!", b"??"))
    assert form.sent((b"a", b"b")) == b"X-One: <a>,\r\n 100%  <b>\r\n"
    assert form.hashed((b"a", b"b")) == b"x-one:<a>, 100% <b>\r\n"
    with pytest.raises(TypeError, match="arguments"):
        SIGNER.prepare(b"", (b"",), NOW, form).sign(values)


def test_a_copys_own_field_does_not_stand_in_the_head() -> None:
    with pytest.raises(ValueError, match="own fields"):
        SIGNER.prepare(copy_of(a_post()).head, (b"",), NOW, FORM)


def test_several_personal_fields_are_signed() -> None:
    """Such as a copy may have one day beside its address for leaving."""
    copy = copy_of(a_post("Subject: x"))
    form = Form(b"List-Unsubscribe: <mailto:??>\r\n" + ONE_CLICK, (b"??",))
    made = SIGNER.prepare(copy.shared, (copy.body,), just_now(), form)
    message = on_the_wire(made.copy((b"x@lists.example.org",)))
    assert verifies(message)
    assert tags(message)["h"].endswith(
        "list-unsubscribe:list-unsubscribe:list-unsubscribe-post:list-unsubscribe-post"
    )
    assert not verifies(message.replace(b"=One-Click", b"=Two-Click"))


def test_one_click_counts_because_both_of_its_fields_are_signed() -> None:
    """RFC 8058 4: a receiver that finds one of them unsigned does not offer it."""
    copy = copy_of(a_post("Subject: x", "List-Unsubscribe-Post: List-Unsubscribe=Evil"))
    form = personal_form(a_list(), "https://lists.example.org")
    made = SIGNER.prepare(copy.shared + ONE_CLICK, (copy.body,), just_now(), form)
    message = on_the_wire(made.copy(*personal_values(SECRET, [7], 12, pages=True)))
    assert verifies(message)
    assert values(message, "List-Unsubscribe-Post") == ["List-Unsubscribe=One-Click"]
    listed = tags(message)["h"].split(":")
    for name in ("list-unsubscribe", "list-unsubscribe-post"):
        assert listed.count(name) == 2
        (field,) = [raw for found, raw in fields_of(message.partition(b"\r\n\r\n")[0] + b"\r\n")
                    if found == name]  # fmt: skip
        assert not verifies(message.replace(field, b""))
        assert not verifies(field + message)
        assert not verifies(message.replace(field, field + field))
    for old, new in ((b"=One-Click", b"=Two-Click"), (b"<https://", b"<https://evil."),
                     (b"<mailto:support-leave", b"<mailto:support-joins")):  # fmt: skip
        assert old in message and not verifies(message.replace(old, new))


@pytest.mark.parametrize(
    "message",
    [
        write_notice(Words("Subject: Grüße\n\nSchön."), "a-notice.txt", FRAME, {}),
        crlf("From: a@lists.example.org\nSubject: x\nSubject: y\nX: z\n\nhello"),
        crlf("From: a@lists.example.org\nSubject : x"),
        b"From: a@lists.example.org",
    ],
)  # fmt: skip
def test_a_mail_that_goes_out_once_is_signed_alike(message: bytes) -> None:
    field = SIGNER.signature(message, just_now())
    # dkimpy cannot read a message with a space before a colon.
    assert verifies(on_the_wire((field, message.replace(b" :", b":"))))
    assert not verifies(on_the_wire((field, b"Subject: evil\r\n", message.replace(b" :", b":"))))


def pem(
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey,
    format: PrivateFormat = PrivateFormat.PKCS8,
    encryption: KeySerializationEncryption | None = None,
) -> bytes:
    """A private key as it stands in a file."""
    return key.private_bytes(Encoding.PEM, format, encryption or NoEncryption())


BAD = {
    "empty": (b"", "there is none in it"),
    "text": (b"hello", "there is none in it"),
    "damaged": (pem(KEY).replace(b"A", b"B"), "there is none in it"),
    "half": (pem(KEY)[:600], "there is none in it"),
    "DER": (KEY.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()),
            "there is none in it"),
    "the public half": (KEY.public_key().public_bytes(
        Encoding.PEM, PublicFormat.SubjectPublicKeyInfo), "there is none in it"),
    "OpenSSH": (pem(KEY, PrivateFormat.OpenSSH), "there is none in it"),
    "with a password": (pem(KEY, encryption=BestAvailableEncryption(b"x")),
                        "this one has a password"),
    "elliptic": (pem(ec.generate_private_key(ec.SECP256R1())), "this one is not RSA"),
    "Ed25519": (pem(ed25519.Ed25519PrivateKey.generate()), "this one is not RSA"),
    "1024 bits": (pem(rsa.generate_private_key(65537, 1024)), "this one has 1024 bits"),
    "2040 bits": (pem(rsa.generate_private_key(65537, 2040)), "this one has 2040 bits"),
}  # fmt: skip


class TestKeys:
    """RSA of 2048 bits and more in PEM; any other is one complaint that names the file."""

    @pytest.mark.parametrize("format", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL])
    def test_a_good_key_signs(self, format: PrivateFormat) -> None:
        key = read_key(pem(KEY, format), "dkim.pem")
        made = Signer(DOMAIN, SELECTOR, key).signature(b"From: a@b.example\r\n\r\n", just_now())
        assert verifies(made + b"From: a@b.example\r\n\r\n")

    @pytest.mark.parametrize("case", BAD)
    def test_any_other_is_refused_by_name(self, case: str) -> None:
        octets, why = BAD[case]
        with pytest.raises(ListservError) as told:
            read_key(octets, "/etc/listserv/dkim.pem")
        assert str(told.value) == (
            "/etc/listserv/dkim.pem: a DKIM key is an RSA private key of 2048 to 4096 bits in PEM,"
            f" without a password; {why}"
        )

    def test_a_key_longer_than_receivers_verify_is_refused(self) -> None:
        """Symptom: with such a key some receivers call every signature bad (RFC 8301 3.2)."""
        p, q, e = 2**2203 - 1, 2**2281 - 1, 65537  # primes that need no search
        d = pow(e, -1, (p - 1) * (q - 1))
        numbers = rsa.RSAPrivateNumbers(
            p, q, d, d % (p - 1), d % (q - 1), pow(q, -1, p), rsa.RSAPublicNumbers(e, p * q)
        )
        with pytest.raises(ListservError, match="this one has 4484 bits"):
            read_key(pem(numbers.private_key(unsafe_skip_rsa_key_validation=True)), "dkim.pem")


@pytest.mark.parametrize("name", ["", "a b", "x;", "é", "a\r\nb", ".a", "a-", "x" * 300])
def test_a_name_that_cannot_stand_in_the_field_is_refused(name: str) -> None:
    with pytest.raises(ListservError, match="cannot be a DKIM selector"):
        Signer(DOMAIN, name, KEY)
    with pytest.raises(ListservError, match="cannot be a DKIM domain"):
        Signer(name, SELECTOR, KEY)
