"""Who wrote it: what proves an author, what does not, and in which words."""

import asyncio
import base64
import re
import time
from collections.abc import Coroutine, Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from hypothesis import given
from hypothesis import strategies as st

from listserv.clock import SystemClock
from listserv.domain.authorship import Authorship, Level, VerifiedPath
from listserv.domain.post import Client, Incoming, Transport
from listserv.mail.parse import parse
from listserv.mail.sign import Signer
from listserv.mail.surgery import read_fields
from listserv.smtp import dkim_check, dkim_record, evidence
from listserv.smtp.authenticate import NO_AUTHOR, NOT_LOOKED
from listserv.smtp.dkim_check import may_be_signed
from tests import dns as odd
from tests.dns import dns_server
from tests.smtp.correspondence import (
    ANN,
    CLIENT,
    FORWARDED,
    KEY,
    OUR_ID,
    OUR_MTA,
    SHORT_PEM,
    TOWN,
    Correspondence,
    hand_signed,
    key_record,
    mail,
    pem,
    signed,
)

PROVEN, UNPROVEN, CONTRADICTED = Level.PROVEN, Level.UNPROVEN, Level.CONTRADICTED
HERE = f"ip4:{CLIENT.address} -all"
ELSEWHERE = "ip4:198.51.100.1 -all"
ANNS = "ann@example.org"


@pytest.fixture(scope="module")
def _running() -> Iterator[Correspondence]:
    with dns_server() as server:
        yield Correspondence(server)


@pytest.fixture
def post(_running: Correspondence) -> Correspondence:
    _running.dns.forget()
    return _running


def said(authorship: Authorship) -> str:
    return "; ".join(authorship.reasons)


def public(modulus: int, exponent: int = 65537) -> rsa.RSAPublicKey:
    return rsa.RSAPublicNumbers(exponent, modulus).public_key()


# What proves an author.


@pytest.mark.parametrize("dmarc", ["", "p=none", "p=reject", "p=reject; adkim=s"])
def test_a_signature_of_the_authors_domain_proves_the_author(
    post: Correspondence, dmarc: str
) -> None:
    post.domain(dmarc=dmarc, key=key_record())
    found = post.authorship(signed(mail()))
    assert (found.level, found.reasons, found.temporary) == (PROVEN, (), False)
    assert [one.domain for one in found.aligned] == ["example.org"]
    assert found.path == VerifiedPath(("example.org",))
    assert found.policy == (dmarc[2:8].strip("; ") or "none")


@pytest.mark.parametrize("head", [b"relaxed", b"simple"])
@pytest.mark.parametrize("text", [b"relaxed", b"simple"])
@pytest.mark.parametrize("body", ["Hello.\r\n\r\n\r\n", " a \t b \r\n\r\nc", "", "\r\n", "\u00e9"])
def test_every_way_to_canonicalise_is_understood(
    post: Correspondence, head: bytes, text: bytes, body: str
) -> None:
    post.domain(key=key_record())
    raw = mail(subject=" two  words\r\n folded ", body=body)
    assert post.authorship(signed(raw, canonical=(head, text))).level is PROVEN
    assert post.authorship(signed(raw, canonical=(head, text)) + b"more\r\n").level is UNPROVEN


@pytest.mark.parametrize(
    ("author", "domain", "dmarc", "level"),
    [
        ("ann@mail.example.org", "example.org", "p=reject", PROVEN),
        ("ann@example.org", "news.example.org", "p=reject", PROVEN),
        ("ann@a.example.org", "b.example.org", "p=none", PROVEN),
        ("ann@EXAMPLE.org", "Example.ORG", "p=none", PROVEN),
        ("ann@example.org", "news.example.org", "p=reject; adkim=s", CONTRADICTED),
        ("ann@example.org", "news.example.org", "p=none; adkim=s", UNPROVEN),
        ("ann@example.org", "other.example", "p=none", UNPROVEN),
        ("ann@example.org", "other.example", "p=quarantine", CONTRADICTED),
        ("ann@example.org", "notexample.org", "p=none", UNPROVEN),
        ("ann@sub.example.org", "example.org", "p=none; sp=reject; adkim=s", CONTRADICTED),
    ],
)
def test_alignment(
    post: Correspondence, author: str, domain: str, dmarc: str, level: Level
) -> None:
    post.domain("example.org", dmarc=dmarc)
    post.domain(domain, key=key_record())
    found = post.authorship(signed(mail(author), domain))
    assert found.level is level
    assert found.path == VerifiedPath((domain.lower(),))
    assert bool(found.aligned) == (level is PROVEN)
    assert bool(found.unaligned) == (level is not PROVEN)
    (good,) = found.aligned or found.unaligned
    assert good.domain == domain.lower()


@pytest.mark.parametrize("client", [CLIENT, FORWARDED])
def test_spf_of_the_authors_domain_proves_the_author(post: Correspondence, client: Client) -> None:
    post.domain(dmarc="p=reject", spf=HERE)
    found = post.authorship(mail(), ANNS, client)
    assert (found.level, found.spf_aligned, found.aligned) == (PROVEN, True, ())
    assert found.path == VerifiedPath((), "example.org")


@pytest.mark.parametrize(
    ("spf", "reason"),
    [
        (ELSEWHERE, evidence.SPF_OTHERS),
        ("ip4:198.51.100.1 ~all", evidence.SPF_OTHERS),
        ("ip4:198.51.100.1 ?all", evidence.SPF_OTHERS),
        ("", evidence.SPF_NONE),
        ("a:nonsense,", evidence.SPF_UNREADABLE),
        ("a:mx.example.org " * 11 + "+all", evidence.SPF_UNREADABLE),
    ],
)
def test_spf_that_does_not_pass_proves_nothing_and_says_why(
    post: Correspondence, spf: str, reason: str
) -> None:
    post.domain(spf=spf)
    post.dns.add("mx.example.org", "A", "198.51.100.1")
    found = post.authorship(mail(), ANNS)
    assert (found.level, found.path) == (UNPROVEN, VerifiedPath())
    assert found.reasons == (
        "it carries no signature of example.org", reason.format(domain="example.org"),
    )  # fmt: skip


def test_a_return_path_elsewhere_is_a_path_but_no_proof(post: Correspondence) -> None:
    post.domain("mailer.example", spf=HERE)
    found = post.authorship(mail(), "bounces@mailer.example")
    assert (found.level, found.spf_aligned) == (UNPROVEN, False)
    assert found.path == VerifiedPath((), "mailer.example")
    assert "its return address is not of example.org" in said(found)


@pytest.mark.parametrize(("helo", "level"), [("mx.example.org", PROVEN), ("[192.0.2.1]", UNPROVEN)])
def test_the_null_sender_is_known_by_helo(post: Correspondence, helo: str, level: Level) -> None:
    post.domain(dmarc="p=none")
    post.domain("mx.example.org", spf=HERE)
    found = post.authorship(mail(), "", replace(CLIENT, helo=helo))
    assert (found.level, found.path) == (level, VerifiedPath())


@pytest.mark.parametrize("client", [OUR_MTA, replace(FORWARDED, address="127.0.0.9")])
def test_the_address_of_our_own_mta_says_nothing_about_its_clients(
    post: Correspondence, client: Client
) -> None:
    post.domain(spf="ip4:127.0.0.0/8 -all")
    found = post.authorship(mail(), ANNS, client)
    assert found.level is UNPROVEN
    assert evidence.CLIENT_UNKNOWN in found.reasons


@pytest.mark.parametrize("address", ["", "unknown", "/run/listserv.sock"])
def test_a_client_without_an_address_is_not_known(post: Correspondence, address: str) -> None:
    post.domain(spf="+all")
    assert post.authorship(mail(), ANNS, replace(CLIENT, address=address)).level is UNPROVEN


# What the domain of From asks for.


@pytest.mark.parametrize(
    ("dmarc", "level", "policy"),
    [
        ("p=reject", CONTRADICTED, "reject"),
        ("p=quarantine", CONTRADICTED, "quarantine"),
        ("p=none", UNPROVEN, "none"),
        ("", UNPROVEN, "none"),
        ("p=reject; t=y", CONTRADICTED, "reject"),
        ("p=quarantine; t=y", UNPROVEN, "quarantine"),
    ],
)
def test_a_forged_mail_of_a_domain_with_a_policy_is_contradicted(
    post: Correspondence, dmarc: str, level: Level, policy: str
) -> None:
    post.domain(dmarc=dmarc, spf=ELSEWHERE, key=key_record())
    found = post.authorship(mail(), ANNS)
    assert (found.level, found.policy, found.temporary) == (level, policy, False)
    assert (f"example.org asks to {'refuse' if policy == 'reject' else 'treat'} such mail"
            in said(found)) == (dmarc == "p=reject" or dmarc == "p=quarantine")  # fmt: skip


def test_a_name_that_does_not_exist_has_the_policy_for_such(post: Correspondence) -> None:
    post.domain(dmarc="p=none; np=reject")
    post.domain("real.example.org", spf=ELSEWHERE)
    assert post.authorship(mail("a@invented.example.org")).level is CONTRADICTED
    assert post.authorship(mail("a@real.example.org")).level is UNPROVEN


# Signatures that prove nothing.


def test_a_key_of_512_bits_proves_nothing(post: Correspondence) -> None:
    raw = signed(mail(), key=SHORT_PEM)
    short = load_pem_private_key(SHORT_PEM, None, unsafe_skip_rsa_key_validation=True)
    post.domain(dmarc="p=none", key=key_record(short.public_key()))
    found = post.authorship(raw)
    assert (found.level, found.path) == (UNPROVEN, VerifiedPath())
    assert dkim_record.SHORT_KEY in said(found)


def test_a_text_that_a_length_leaves_open_is_not_its_authors(post: Correspondence) -> None:
    post.domain(key=key_record())
    raw = signed(mail(), length=True)
    assert b"l=" in raw.partition(b"\r\nFrom")[0]
    assert post.authorship(raw).level is PROVEN
    found = post.authorship(raw + b"Send me money.\r\n")
    assert (found.level, found.aligned, found.path) == (UNPROVEN, (), VerifiedPath())
    assert dkim_check.OPEN_BODY in said(found)
    assert post.authorship(hand_signed(mail(), l="0")).level is UNPROVEN


def test_a_signature_counts_until_it_expires(post: Correspondence) -> None:
    post.domain(key=key_record())
    now = SystemClock().now()
    signer = Signer("example.org", "s1", KEY)  # x= is 14 days later
    for days, reason in ((0, ""), (-13, ""), (-15, dkim_check.EXPIRED), (1, dkim_check.EARLY)):
        raw = mail()
        found = post.authorship(signer.signature(raw, now + timedelta(days=days)) + raw)
        assert found.level is (UNPROVEN if reason else PROVEN)
        assert reason in said(found)


@pytest.mark.parametrize(
    ("names", "reason"),
    [
        ("from:subject:date:to", ""),
        ("from:subject", ""),
        ("from:from:subject:subject:nonsense", ""),
        ("subject:date:to", "does not cover From"),
        ("from:date:to", "does not cover Subject"),
        ("", "does not cover From"),
    ],
)
def test_a_signature_has_to_cover_from_and_subject(
    post: Correspondence, names: str, reason: str
) -> None:
    post.domain(key=key_record())
    found = post.authorship(hand_signed(mail(), names))
    assert found.level is (UNPROVEN if reason else PROVEN)
    assert reason in said(found)


@pytest.mark.parametrize("name", ["Subject", "To", "Date", "Message-ID", "Content-Type"])
def test_a_field_added_to_a_signed_mail_takes_its_proof_away(
    post: Correspondence, name: str
) -> None:
    post.domain(key=key_record())
    raw = hand_signed(
        mail(content_type="text/plain"), "from:subject:date:to:message-id:content-type"
    )
    assert post.authorship(raw).level is PROVEN
    found = post.authorship(f"{name}: another\r\n".encode() + raw)
    assert found.level is UNPROVEN
    assert f"does not cover {name.title()}" in said(found)


@pytest.mark.parametrize(
    "change",
    [
        (b"Good morning", b"Good evening"),
        (b"subject: Hello", b"subject: Hullo"),
        (b"from: Ann", b"from: Bob"),
        (b"to: town@", b"to: ben@"),
    ],
)
def test_a_mail_that_was_changed_on_its_way_is_not_proven(
    post: Correspondence, change: tuple[bytes, bytes]
) -> None:
    post.domain(key=key_record())
    raw = signed(mail())
    assert change[0] in raw
    found = post.authorship(raw.replace(*change))
    assert found.level is UNPROVEN
    assert "was changed on its way" in said(found)


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (key_record(tags="k=rsa; "), ""),
        (key_record(tags=""), ""),
        (key_record(tags="v=DKIM1; h=sha1:sha256; s=other:email; t=y; n=note; "), ""),
        (key_record(tags="v=DKIM1; t=s; "), ""),
        ("v=DKIM1; k=rsa; p=", dkim_record.NO_KEY),
        ("v=DKIM1; k=rsa; p=AAAA", dkim_record.NO_KEY),
        ("v=DKIM1; k=rsa; p=\xe9", dkim_record.NO_KEY),
        ("v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=",
         dkim_record.NO_KEY),
        (key_record(tags="v=DKIM2; "), dkim_record.NO_KEY),
        (key_record(tags="v=DKIM1; h=sha1; "), dkim_record.WEAK),
        (key_record(tags="v=DKIM1; s=tlsrpt; "), dkim_record.NO_KEY),
        ("v=spf1 -all", dkim_record.NO_KEY),
        ("hello", dkim_record.NO_KEY),
        ("", dkim_record.NO_KEY),
        ("p=" + "A" * 10_000, dkim_record.NO_KEY),
        ("p=A", dkim_record.NO_KEY),
        (key_record(public(2**8191 + 1)), dkim_record.LONG_KEY),
        (key_record(public(KEY.public_key().public_numbers().n, 2**40 + 1)), dkim_record.LONG_KEY),
        (key_record(ec.generate_private_key(ec.SECP256R1()).public_key()), dkim_record.NO_KEY),
    ],
)  # fmt: skip
def test_key_records(post: Correspondence, record: str, reason: str) -> None:
    post.domain(key=record)
    found = post.authorship(signed(mail()))
    assert found.level is (UNPROVEN if reason else PROVEN)
    assert reason in said(found)


def test_a_wildcard_beside_the_key_does_no_harm_and_two_keys_are_none(
    post: Correspondence,
) -> None:
    post.domain(key="v=spf1 -all")
    post.domain(key=key_record())
    raw = signed(mail())
    assert post.authorship(raw).level is PROVEN
    post.domain(key=key_record(tags="n=another; "))
    assert dkim_record.NO_KEY in said(post.authorship(raw))


def test_a_key_that_is_strict_about_its_domain(post: Correspondence) -> None:
    post.domain(key=key_record(tags="t=s; "))
    raw = signed(mail(), identity="ann@sub.example.org")
    assert post.authorship(raw).level is UNPROVEN


@pytest.mark.parametrize(
    "tags",
    [
        {"a": "rsa-sha1"}, {"a": "ed25519-sha256"}, {"v": "2"}, {"c": "nonsense"},
        {"c": "relaxed/nonsense"}, {"d": "example.org."}, {"d": "[192.0.2.1]"},
        {"d": "ex ample.org"}, {"d": "\u00e9xample.org"}, {"d": ""}, {"s": "\u00e9"}, {"s": ""},
        {"s": "a..b"},
        {"i": "ann@other.example"}, {"t": "soon"}, {"x": "later"}, {"t": "9" * 30},
        {"x": "1"}, {"q": "other"}, {"bh": "!"}, {"h": "from"},
        {"z": "x" * 9000}, {"z": "a" + " " * 3000 + "b"}, {"z": "; b=" * 500},
        {"h": "from:subject:" + "x:" * 500},
    ],
)  # fmt: skip
def test_no_odd_tag_makes_a_signature_good_or_takes_long(
    post: Correspondence, tags: dict[str, str]
) -> None:
    post.domain(dmarc="p=reject", key=key_record())
    began = time.process_time()
    assert post.authorship(hand_signed(mail(), key=KEY, **tags)).level is CONTRADICTED
    assert time.process_time() - began < 1


@pytest.mark.parametrize("body", [(" " * 60_000 + "x\r\n") * 10, "\r\n" * 500_000 + "x"])
@pytest.mark.parametrize("canonical", ["relaxed", "simple"])
def test_a_body_over_which_dkimpy_broods_for_minutes_takes_no_time(
    post: Correspondence, body: str, canonical: str
) -> None:
    post.domain(key=key_record())
    raw = hand_signed(mail(), c=f"relaxed/{canonical}").replace(b"Good morning.", body.encode())
    began = time.process_time()
    assert dkim_check.CHANGED_BODY in said(post.authorship(raw))
    assert time.process_time() - began < 1


def test_a_header_over_which_dkimpy_broods_takes_no_time(post: Correspondence) -> None:
    post.domain(key=key_record())
    names = "from:subject:" + ":".join(f"y{n}" for n in range(200))
    many = b"".join(b"x%d: \r\n" % n for n in range(10_000))
    began = time.process_time()
    assert post.authorship(many + hand_signed(mail(), names)).level is PROVEN
    spaced = hand_signed(mail()).replace(b"; h=from", b"; h=" + b" " * 60_000 + b"from")
    assert post.authorship(spaced).level is UNPROVEN
    assert time.process_time() - began < 1


def test_of_ten_signatures_three_are_verified_those_of_the_author_first(
    post: Correspondence,
) -> None:
    post.domain(dmarc="p=reject", key=key_record())
    raw = signed(mail())
    for n in range(10):
        post.domain(f"mailer{n}.example", key=key_record())
        raw = signed(raw, f"mailer{n}.example", names=["from", "subject"])
    found = post.authorship(raw)
    assert found.level is PROVEN
    assert found.path.dkim == ("example.org", "mailer8.example", "mailer9.example")
    keys = [name for name, _ in post.dns.asked if "_domainkey" in name]
    assert keys[0] == "s1._domainkey.example.org" and len(keys) == 3


def test_ten_signatures_that_are_not_the_authors_do_not_hide_the_one_that_is(
    post: Correspondence,
) -> None:
    post.domain(key=key_record())
    raw = signed(mail())
    for n in range(10):
        raw = hand_signed(raw, d=f"evil{n}.example", s="none")
    assert post.authorship(raw).level is PROVEN


# A replay: the same mail is known again by its signature.


def cut(raw: bytes) -> tuple[bytes, bytes, bytes]:
    """What stands before the value of b=, the value without white space, and what follows."""
    found = re.search(rb"[;\s]b=([A-Za-z0-9+/=\s]+?)(?=\r\n\S)", raw)
    assert found
    return raw[: found.start(1)], b"".join(found[1].split()), raw[found.end(1) :]


def test_a_signature_has_one_digest_however_it_is_spelled(post: Correspondence) -> None:
    post.domain(key=key_record())
    raw = signed(mail())
    (first,) = post.authorship(raw).aligned
    head, value, rest = cut(raw)
    spaced = head + b"\r\n ".join(bytes([octet]) for octet in value) + rest
    (again,) = post.authorship(b"X-Unsigned: yes\r\n" + spaced).aligned
    assert (again.digest, again.names) == (first.digest, first.names)
    assert {"from", "subject", "to"} <= first.names
    assert first.signed is not None and first.signed > SystemClock().now().timestamp() - 60


def test_another_number_that_verifies_too_is_refused(post: Correspondence) -> None:
    """Below 2**2048 there is room for a signature and the modulus together."""
    room = 2**2048 - 2**2044
    keys = (rsa.generate_private_key(65537, 2048) for _ in count())
    key = next(key for key in keys if key.public_key().public_numbers().n < room)
    modulus = key.public_key().public_numbers().n
    post.domain(key=key_record(key.public_key()))
    mails = (signed(mail(), key=pem(key)) for _ in count())
    raw = next(raw for raw in mails if number_of(raw) + modulus < 2**2048)
    assert post.authorship(raw).level is PROVEN
    head, _, rest = cut(raw)
    for other in ((number_of(raw) + modulus).to_bytes(256), number_of(raw).to_bytes(257)):
        respelled = head + base64.b64encode(other) + rest
        assert post.authorship(respelled).level is UNPROVEN


def number_of(raw: bytes) -> int:
    return int.from_bytes(base64.b64decode(cut(raw)[1]))


# From that names nobody, or two.


@pytest.mark.parametrize(
    "author",
    [
        "ann@example.org, ben@example.org",
        "ann@example.org <x@evil.example>",
        "friends: ann@example.org;",
        "friends: ann@example.org, ben@example.org;",
        "=?utf-8?q?ann=40example.org?=",
        "<=?utf-8?q?ann=40example.org?=>",
        "=?utf-8?q?ann?=@example.org",
        "ann@example.org(comment <x@evil.example>",
        "ann@[192.0.2.1]",
        "<@evil.example:ann@example.org>",
        "undisclosed",
    ],
)
def test_a_from_that_does_not_name_one_person_is_never_proven(
    post: Correspondence, author: str
) -> None:
    for domain in ("example.org", "evil.example"):
        post.domain(domain, spf="+all", key=key_record())
    raw = hand_signed(hand_signed(mail(author)), d="evil.example")
    found = post.authorship(raw, ANNS)
    assert (found.level, found.reasons) == (UNPROVEN, (NO_AUTHOR,))


@pytest.mark.parametrize("first", [ANN, "x@evil.example"])
@pytest.mark.parametrize("name", ["From", "from", "From "])
def test_two_from_fields_are_never_proven(post: Correspondence, first: str, name: str) -> None:
    for domain in ("example.org", "evil.example"):
        post.domain(domain, spf="+all", key=key_record())
    raw = f"{name}: {first}\r\n".encode() + signed(mail())
    assert post.authorship(raw, ANNS).reasons == (NO_AUTHOR,)


@pytest.mark.parametrize(
    "author",
    [
        '"ann@example.org" <x@evil.example>',
        "=?utf-8?q?ann=40example.org?= <x@evil.example>",
        '"Ann <ann@example.org>" <x@evil.example>',
        "x@evil.example (ann@example.org)",
    ],
)
def test_a_display_name_that_is_a_members_address_proves_only_who_is_behind_it(
    post: Correspondence, author: str
) -> None:
    post.domain(dmarc="p=reject")
    post.domain("evil.example", spf=HERE, key=key_record())
    found = post.authorship(signed(mail(author), "evil.example"), "x@evil.example")
    assert (found.level, found.policy) == (PROVEN, "none")
    assert [one.domain for one in found.aligned] == ["evil.example"]


# The DNS: late, lying, looping, enormous.


@pytest.mark.parametrize(
    ("name", "how", "temporary"),
    [
        ("s1._domainkey.example.org", odd.fails, True),
        ("_dmarc.example.org", odd.fails, True),
        ("_dmarc.org", odd.fails, True),
        ("example.org", odd.fails, True),
        ("s1._domainkey.example.org", odd.loops, False),
        ("_dmarc.example.org", odd.loops, False),
        ("example.org", odd.loops, False),
    ],
)
def test_a_temporary_error_that_mattered_is_said(
    post: Correspondence, name: str, how: odd.Misbehaviour, temporary: bool
) -> None:
    post.dns.misbehave(name, "TXT", how)
    found = post.authorship(signed(mail()), ANNS)
    assert (found.level, found.temporary) == (UNPROVEN, temporary)
    assert (found.reasons == (evidence.DNS_SILENT,)) == temporary


@pytest.mark.parametrize("name", ["_dmarc.example.org", "example.org"])
def test_a_temporary_error_that_changes_nothing_is_passed_over(
    post: Correspondence, name: str
) -> None:
    post.domain(key=key_record())
    post.dns.misbehave(name, "TXT", odd.fails)
    found = post.authorship(signed(mail()), ANNS)
    assert (found.level, found.temporary) == (PROVEN, False)
    # Of a policy that is not known the strictest is taken.
    assert found.policy == ("reject" if name.startswith("_dmarc") else "none")


def test_a_forgers_own_silent_domains_do_not_turn_a_contradiction_into_doubt(
    post: Correspondence,
) -> None:
    post.domain(dmarc="p=reject", spf=ELSEWHERE)
    post.dns.misbehave("evil.example", "TXT", odd.fails)
    post.dns.misbehave("s1._domainkey.evil.example", "TXT", odd.fails)
    found = post.authorship(hand_signed(mail(), d="evil.example"), "x@evil.example")
    assert (found.level, found.temporary) == (CONTRADICTED, False)


def test_a_path_that_could_not_be_verified_may_be_the_next_time(post: Correspondence) -> None:
    post.dns.misbehave("mailer.example", "TXT", odd.fails)
    assert post.authorship(mail(), "b@mailer.example").temporary
    post.domain("signer.example", key=key_record())
    found = post.authorship(signed(mail(), "signer.example"), "b@mailer.example")
    assert (found.temporary, found.path) == (False, VerifiedPath(("signer.example",)))


def test_100_kilobytes_of_records_are_none(post: Correspondence) -> None:
    flood = [f"{n}" + "x" * 600 for n in range(100)]
    for name in ("s1._domainkey.example.org", "_dmarc.example.org", "example.org"):
        post.dns.add(name, "TXT", *flood)
    found = post.authorship(signed(mail()), ANNS)
    assert (found.level, found.temporary, found.policy) == (UNPROVEN, False, "none")


def test_who_waits_longer_than_there_is_time_is_told_to_come_again(post: Correspondence) -> None:
    post.dns.misbehave("_dmarc.example.org", "TXT", odd.silence)
    found = post.authorship(mail(), ANNS, seconds=0.1)
    assert (found.level, found.temporary) == (UNPROVEN, True)
    assert found.reasons == (evidence.DNS_SILENT,)


def test_without_any_dns_server_the_answer_comes_at_once(post: Correspondence) -> None:
    here = post.dns.address
    post.dns.address = odd.NOWHERE
    began = time.monotonic()
    found = post.authorship(signed(mail()), ANNS)
    post.dns.address = here
    assert (found.level, found.temporary) == (UNPROVEN, True)
    assert time.monotonic() - began < 2


_PIECES = st.lists(
    st.sampled_from(
        [b"DKIM-Signature: v=1", b"dkim-signature\t:", b"From: ann@example.org", b" more", b"\r\n",
         b"\r\n\r\n", b"\n", b"\n\n", b"\r", b"no field", b"From ann", b":", b"\xff"]
    ),
    max_size=10,
).map(b"".join)  # fmt: skip


@given(_PIECES)
def test_a_signature_that_is_there_is_looked_for(raw: bytes) -> None:
    signed = any(field.name == "dkim-signature" for field in read_fields(raw)[0])
    assert may_be_signed(raw) or not signed


# What a trusted MTA found out.

RECEIVED = b"Received: from client.example by mx.example.org\r\n"


def results(text: str, server: str = OUR_ID) -> bytes:
    return f"Authentication-Results: {server}; {text}\r\n".encode()


@pytest.mark.parametrize(
    ("text", "level", "path"),
    [
        ("dmarc=pass header.from=example.org", PROVEN, VerifiedPath()),
        ("dmarc=pass header.from=evil.example", CONTRADICTED, VerifiedPath()),
        ("dmarc=fail header.from=example.org", CONTRADICTED, VerifiedPath()),
        ("dkim=pass header.d=example.org", PROVEN, VerifiedPath(("example.org",))),
        ("dkim=pass header.i=@mail.example.org", PROVEN, VerifiedPath(("mail.example.org",))),
        ("dkim=pass header.d=other.example", CONTRADICTED, VerifiedPath(("other.example",))),
        ("dkim=none", CONTRADICTED, VerifiedPath()),
        ("spf=pass smtp.mailfrom=example.org", PROVEN, VerifiedPath((), "example.org")),
        ("spf=pass smtp.mailfrom=ann@example.org", PROVEN, VerifiedPath((), "example.org")),
        ("spf=pass smtp.mailfrom=mail.example.org", CONTRADICTED, VerifiedPath()),
        ("spf=softfail smtp.mailfrom=example.org", CONTRADICTED, VerifiedPath()),
        ("dkim=pass; spf=pass; dmarc=pass", CONTRADICTED, VerifiedPath()),
        ("arc=pass header.from=example.org", CONTRADICTED, VerifiedPath()),
    ],
)
def test_results_of_a_trusted_mta_count(
    post: Correspondence, text: str, level: Level, path: VerifiedPath
) -> None:
    post.domain(dmarc="p=reject")
    raw = results(text) + RECEIVED + mail()
    found = post.authorship(raw, ANNS, OUR_MTA, [OUR_ID])
    assert (found.level, found.path, found.aligned) == (level, path, ())


FORGED = results("dmarc=pass header.from=example.org")


@pytest.mark.parametrize(
    ("raw", "client", "ids"),
    [
        (FORGED + RECEIVED + mail(), CLIENT, [OUR_ID]),
        (FORGED + RECEIVED + mail(), OUR_MTA, []),
        (FORGED + RECEIVED + mail(), OUR_MTA, ["filter.example.org"]),
        (RECEIVED + FORGED + mail(), OUR_MTA, [OUR_ID]),
        (FORGED + mail(), OUR_MTA, [OUR_ID]),
        (results("dmarc=pass header.from=example.org", "lists.example.org") + RECEIVED + mail(),
         OUR_MTA, [OUR_ID]),
    ],
    ids=["a stranger", "nobody is trusted", "another id", "below Received", "no Received",
         "our own name"],
)  # fmt: skip
def test_results_that_anybody_could_have_written_are_not_believed(
    post: Correspondence, raw: bytes, client: Client, ids: list[str]
) -> None:
    post.domain(dmarc="p=reject")
    assert post.authorship(raw, ANNS, client, ids).level is CONTRADICTED


def test_what_we_find_ourselves_comes_first(post: Correspondence) -> None:
    post.domain(dmarc="p=reject", key=key_record())
    raw = results("dkim=fail header.d=example.org; dmarc=fail") + RECEIVED + signed(mail())
    assert post.authorship(raw, ANNS, OUR_MTA, [OUR_ID]).level is PROVEN


# Mail that breaks readers, and faults of ours.


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b" continued\r\nFrom: ann@example.org\r\n\r\nHello.\r\n",
        b"From: ann@example.org\r\nSubject : x\r\nDKIM-Signature: v=1\r\n\r\nHello.\r\n",
        b"From: ann@example.org\r\nX-\xe9: x\r\nDKIM-Signature: ;;;=\r\n\r\nHello.\r\n",
        b"DKIM-Signature:\r\nFrom: ann@example.org\r\n\r\n",
        b"From: ann@example.org\r\nDKIM-Signature: " + b"=" * 5000 + b"\r\n\r\n",
        b"From: ann@example.org\r\nDKIM-Signature: \xff\xfe\r\n\r\n\x00",
    ],
)
def test_no_mail_is_too_odd(post: Correspondence, raw: bytes) -> None:
    assert post.authorship(raw, "\u00e4@\udcff").level is UNPROVEN


@pytest.mark.parametrize(
    ("raw", "client", "at_once"),
    [
        (mail(), OUR_MTA, True),
        (mail("nobody"), OUR_MTA, True),
        (mail(), CLIENT, False),
        (mail(), FORWARDED, False),
        (signed(mail()), OUR_MTA, False),
        (mail() + b"x" * 20_000, OUR_MTA, False),
    ],
    ids=["plain", "no author", "SPF", "SPF of another", "DKIM", "large"],
)
def test_only_where_nothing_is_to_be_verified_or_asked_no_thread_is_waited_for(
    post: Correspondence, raw: bytes, client: Client, at_once: bool
) -> None:
    post.domain(dmarc="p=reject", key=key_record())
    authenticator = post.authenticator()
    incoming = Incoming(Transport.SMTP, client, ANNS, (TOWN,), raw)

    def ask() -> Coroutine[Any, Any, Authorship]:
        return authenticator.authenticate(incoming, parse(raw))

    async def story() -> None:
        found = await ask()
        assert found.level is (PROVEN if b"DKIM-Signature" in raw else found.level)
        asked = list(post.dns.asked)
        again = ask()
        try:
            again.send(None)
        except StopIteration as done:
            assert (at_once, done.value) == (True, found)
        else:
            again.close()
            assert not at_once
        assert (await ask()) == found
        assert post.dns.asked == asked

    asyncio.run(story())


def test_a_fault_of_ours_is_temporary_and_logged(
    post: Correspondence, caplog: pytest.LogCaptureFixture
) -> None:
    broken = Client(None, "", trusted=False)  # type: ignore[arg-type]
    found = post.authorship(mail(), ANNS, broken)
    assert (found.level, found.reasons, found.temporary) == (UNPROVEN, (NOT_LOOKED,), True)
    assert "could not be authenticated" in caplog.text
