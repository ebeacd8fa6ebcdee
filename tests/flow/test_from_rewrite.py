"""From the author's mail to the receiver of a copy: whoever From names there, DMARC passes.

The author's domain is in the tests' DNS, and so is the list's; the receiver looks both up.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from email import message_from_bytes

import pytest

from listserv.clock import SystemClock
from listserv.domain.authorship import UNCHECKED, Authorship, Level
from listserv.domain.mailing import Mode
from listserv.domain.tokens import item_token
from tests import sink
from tests.dns import dns_server
from tests.flow.world import DOMAIN, World
from tests.smtp.correspondence import KEY, Correspondence, key_record, mail, pem, signed

# Not in the domain of the list.
HERS, ADDRESS, ANN = "hers.test", "ann@hers.test", "Ann <ann@hers.test>"


@pytest.fixture(scope="module")
def _running() -> Iterator[Correspondence]:
    with dns_server() as server:
        yield Correspondence(server)


@pytest.fixture
def post(_running: Correspondence, world: World) -> Correspondence:
    world.clock.time = SystemClock().now()  # the receiver looks when a signature was made
    _running.dns.forget()
    ours = key_record(sink.KEY.public_key())
    _running.dns.add(f"{sink.SELECTOR}._domainkey.{DOMAIN}", "TXT", ours)
    return _running


def arrived(world: World) -> bytes:
    """The copy sent last, as its receiver gets it."""
    return re.sub(rb"(?m)^\.\.", b".", world.last())


def copy_of(world: World, raw: bytes, authorship: Authorship, author: str = ADDRESS) -> bytes:
    town = world.found("town", from_rewrite="policy")
    world.join(town, author)
    world.post(author, "town", raw=raw, authorship=authorship)
    assert world.deliver() == [author]
    return arrived(world)


# by what is special: the author's domain, the mail, whether From stays
CASES = {
    "no record": ("", {}, True),
    "none": ("p=none", {}, True),
    "quarantine": ("p=quarantine", {}, False),
    "reject": ("p=reject", {}, False),
    "reject that is only tested": ("p=reject; t=y", {}, False),
    "quarantine that is only tested": ("p=quarantine; t=y", {}, False),
    "a signature that our Reply-To breaks":
        ("p=none", {"names": [b"from", b"subject", b"reply-to"]}, False),
}  # fmt: skip


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize(("dmarc", "how", "stays"), CASES.values(), ids=CASES.keys())
def test_a_copy_passes_dmarc_in_the_name_of_its_author_or_of_the_list(
    world: World, post: Correspondence, mode: Mode, dmarc: str, how: dict[str, list[bytes]],
    stays: bool,
) -> None:  # fmt: skip
    world.site = replace(world.site, mode=mode)
    post.domain(HERS, dmarc=dmarc, key=key_record())
    raw = signed(mail(ANN), HERS, **how)  # type: ignore[arg-type]
    authorship = post.authorship(raw)
    assert authorship.level is Level.PROVEN

    copy = copy_of(world, raw, authorship)
    sender = message_from_bytes(copy)["From"]
    assert (sender == ANN) is stays
    assert stays or sender == f'"Ann via town" <town@{DOMAIN}>'
    found = post.authorship(copy)
    assert found.level is Level.PROVEN
    assert [one.domain for one in found.aligned] == [HERS if stays else DOMAIN]


def test_gmail_is_stricter_than_its_record(world: World, post: Correspondence) -> None:
    post.domain("gmail.com", dmarc="p=none; sp=quarantine", key=key_record())
    raw = signed(mail("ann@gmail.com"), "gmail.com")
    authorship = post.authorship(raw)
    assert (authorship.level, authorship.policy) == (Level.PROVEN, "none")
    copy = copy_of(world, raw, authorship, "ann@gmail.com")
    assert message_from_bytes(copy)["From"] == f'"ann via town" <town@{DOMAIN}>'


def test_a_copy_is_the_lists_when_only_spf_proved_the_author(
    world: World, post: Correspondence
) -> None:
    post.domain(HERS, dmarc="p=none", spf="ip4:192.0.2.1 -all")
    authorship = post.authorship(mail(ANN), sender=ADDRESS)
    assert authorship.level is Level.PROVEN and authorship.spf_aligned
    assert post.authorship(copy_of(world, mail(ANN), authorship)).level is Level.PROVEN


def test_a_copy_is_the_lists_when_somebody_else_signed(world: World, post: Correspondence) -> None:
    post.domain(HERS, dmarc="p=none", spf="ip4:192.0.2.1 -all")
    post.domain("provider.test", key=key_record())
    raw = signed(mail(ANN), "provider.test", key=pem(KEY))
    authorship = post.authorship(raw, sender=ADDRESS)
    assert authorship.path.dkim == ("provider.test",)
    copy = copy_of(world, raw, authorship)
    assert message_from_bytes(copy).get_all("DKIM-Signature", [])[1:] == []
    assert post.authorship(copy).level is Level.PROVEN


@pytest.mark.parametrize("authorship", [
    UNCHECKED, Authorship(Level.UNPROVEN, ("its domain's DNS did not answer",)),
])  # fmt: skip
def test_a_copy_is_the_lists_when_nothing_is_known_of_the_authors_domain(
    world: World, post: Correspondence, authorship: Authorship
) -> None:
    post.domain(HERS, dmarc="p=reject", key=key_record())
    world.site = replace(world.site, require_proven_author=False)
    copy = copy_of(world, signed(mail(ANN), HERS), authorship)
    assert post.authorship(copy).level is Level.PROVEN


def test_a_copy_is_the_lists_when_a_token_was_cut_out_of_it(
    world: World, post: Correspondence
) -> None:
    post.domain(HERS, dmarc="p=none", key=key_record())
    raw = signed(mail(ANN, body=f"> Reply to town-confirm+{'a' * 22}@{DOMAIN}\r\n"), HERS)
    copy = copy_of(world, raw, post.authorship(raw))
    assert message_from_bytes(copy)["From"] == f'"Ann via town" <town@{DOMAIN}>'
    assert b"a" * 22 not in copy
    assert post.authorship(copy).level is Level.PROVEN


@pytest.mark.parametrize("names", [["from", "subject"], ["from", "subject", "to"]])
def test_a_copy_is_the_lists_where_an_answer_to_a_digest_is_mended_in_what_is_signed(
    world: World, post: Correspondence, names: list[str]
) -> None:
    post.domain(HERS, dmarc="p=none", key=key_record())
    town = world.found("town", from_rewrite="policy")
    world.join(town, ADDRESS)
    item = f"town+re-{item_token(world.site.secret, 1)}@{DOMAIN}"
    first, answer = mail(ANN), signed(mail(ANN, to=item), HERS, names=names)
    world.post(ADDRESS, "town", raw=first, authorship=post.authorship(signed(first, HERS)))
    world.post(ADDRESS, item, raw=answer, authorship=post.authorship(answer))
    world.deliver()
    copy, stays = arrived(world), "to" not in names
    message = message_from_bytes(copy)
    assert message["In-Reply-To"] and "+re-" not in str(message["To"])
    assert (message["From"] == ANN) is stays
    found = post.authorship(copy)
    assert found.level is Level.PROVEN
    assert [one.domain for one in found.aligned] == [HERS if stays else DOMAIN]
