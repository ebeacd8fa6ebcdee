"""The policy of From's domain, and which other domains are as good as it (RFC 9989)."""

from collections.abc import Iterable, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listserv.mail.dmarc import POLICIES, Record, Walk, aligned, read_record, walk

Zone = Mapping[str, str | tuple[str, ...]]


def asking(zone: Zone) -> tuple[list[str], "Ask"]:
    asked: list[str] = []
    return asked, Ask(zone, asked)


class Ask:
    """Answers for _dmarc names out of a dictionary of domains."""

    def __init__(self, zone: Zone, asked: list[str]) -> None:
        self._zone = zone
        self._asked = asked

    def __call__(self, name: str) -> Iterable[str]:
        self._asked.append(name)
        found = self._zone.get(name.removeprefix("_dmarc."), ())
        return (found,) if isinstance(found, str) else found


def walked(domain: str, zone: Zone) -> Walk:
    return walk(domain, Ask(zone, []))


@pytest.mark.parametrize(
    ("texts", "record"),
    [
        (["v=DMARC1; p=reject"], Record("reject")),
        (["v=DMARC1;p=reject;"], Record("reject")),
        (["v = DMARC1 ; p = REJECT ; sp=none"], Record("reject", sp="none")),
        (["other", "v=DMARC1; p=quarantine"], Record("quarantine")),
        (["v=DMARC1; rua=mailto:a@b.example; p=reject"], Record("reject")),
        (["v=DMARC1; p=reject; adkim=s; aspf=s"],
         Record("reject", strict_dkim=True, strict_spf=True)),
        (["v=DMARC1; p=reject; adkim=r; aspf=x"], Record("reject")),
        (["v=DMARC1; p=none; psd=y; np=reject"], Record("none", np="reject", psd="y")),
        (["v=DMARC1; p=reject; psd=maybe; t=y"], Record("reject", testing=True)),
        (["v=DMARC1; p=reject; pct=0; rf=afrf; ri=1; x=1; ; broken"], Record("reject")),
        (["v=DMARC1"], Record("none")),
        (["v=DMARC1; p=refuse"], Record("none")),
        (["v=DMARC1; p=reject; sp=refuse"], Record("none")),
        (["v=DMARC1; p=reject; np="], Record("none")),
        (["v=DMARC1; p=none; p=reject"], Record("none")),
        (["v=DMARC1; p=reject", "v=DMARC1; p=none"], None),
        (["v=DMARC1; p=reject", "v=DMARC1; p=reject"], None),
        (["v=DMARC2; p=reject"], None),
        (["v=dmarc1; p=reject"], None),
        (["V=DMARC1; p=reject"], None),
        (["v=DMARC10; p=reject"], None),
        (["p=reject; v=DMARC1"], None),
        ([" v=DMARC1; p=reject"], None),
        (["v=spf1 -all"], None),
        ([], None),
    ],
)  # fmt: skip
def test_a_policy_record(texts: list[str], record: Record | None) -> None:
    assert read_record(texts) == record


@given(st.text(max_size=300))
def test_any_text_has_a_record_with_a_policy_or_none(text: str) -> None:
    record = read_record([f"v=DMARC1;{text}"])
    assert record is None or {record.p, record.sp or "none", record.np or "none"} <= set(POLICIES)


@pytest.mark.parametrize(
    ("domain", "asked"),
    [
        ("example.org", ["example.org", "org"]),
        ("org", ["org"]),
        ("a.b.c.d.e.f.example.org",
         ["a.b.c.d.e.f.example.org", "b.c.d.e.f.example.org", "c.d.e.f.example.org",
          "d.e.f.example.org", "e.f.example.org", "f.example.org", "example.org", "org"]),
        ("a.b.c.d.e.f.g.h.i.j.mail.example.com",
         ["a.b.c.d.e.f.g.h.i.j.mail.example.com", "g.h.i.j.mail.example.com",
          "h.i.j.mail.example.com", "i.j.mail.example.com", "j.mail.example.com",
          "mail.example.com", "example.com", "com"]),
        (".".join("abcdefghijklmnopqrstuvwxyz" * 4), None),
    ],
)  # fmt: skip
def test_the_walk_asks_at_most_eight_names(domain: str, asked: list[str] | None) -> None:
    found, ask = asking({})
    walk(domain, ask)
    assert len(found) <= 8
    if asked is not None:
        assert found == [f"_dmarc.{name}" for name in asked]


def test_the_walk_goes_on_after_a_record_and_stops_where_psd_says_so() -> None:
    asked, ask = asking({"a.b.c.org": "v=DMARC1; p=none", "c.org": "v=DMARC1; p=none; psd=n"})
    walk("a.b.c.org", ask)
    assert asked == ["_dmarc.a.b.c.org", "_dmarc.b.c.org", "_dmarc.c.org"]


@pytest.mark.parametrize(
    ("domain", "zone", "organization"),
    [
        ("a.mail.example.com", {}, "a.mail.example.com"),
        ("a.mail.example.com",
         {"mail.example.com": "v=DMARC1; p=none", "example.com": "v=DMARC1; p=none"},
         "example.com"),
        ("a.mail.example.com",
         {"mail.example.com": "v=DMARC1; psd=n", "example.com": "v=DMARC1; p=none"},
         "mail.example.com"),
        ("a.mail.example.com", {"com": "v=DMARC1; psd=y"}, "example.com"),
        ("a.mail.example.com",
         {"a.mail.example.com": "v=DMARC1; p=none", "com": "v=DMARC1; psd=y"}, "example.com"),
        ("example.com", {"com": "v=DMARC1; psd=y"}, "example.com"),
        ("com", {"com": "v=DMARC1; psd=y"}, "com"),
        ("example.com", {"example.com": "v=DMARC1; psd=y"}, "example.com"),
        ("example.com", {"com": "v=DMARC1; p=none"}, "com"),
        ("example.com", {"example.com": ("v=DMARC1; p=none", "v=DMARC1; p=none")}, "example.com"),
        ("a.b.c.d.e.f.g.h.example.com", {"com": "v=DMARC1; psd=y"}, "example.com"),
    ],
)  # fmt: skip
def test_the_organizational_domain(domain: str, zone: Zone, organization: str) -> None:
    assert walked(domain, zone).organization == organization


@pytest.mark.parametrize(
    ("domain", "zone", "exists", "policy"),
    [
        ("example.org", {}, True, "none"),
        ("example.org", {"example.org": "v=DMARC1; p=reject; sp=none; np=none"}, True, "reject"),
        ("a.example.org", {"example.org": "v=DMARC1; p=reject"}, True, "reject"),
        ("a.example.org", {"example.org": "v=DMARC1; p=reject; sp=none"}, True, "none"),
        ("a.example.org", {"example.org": "v=DMARC1; p=none; np=reject"}, True, "none"),
        ("a.example.org", {"example.org": "v=DMARC1; p=none; np=reject"}, False, "reject"),
        ("a.example.org", {"example.org": "v=DMARC1; p=none; sp=reject"}, False, "reject"),
        ("a.example.org",
         {"a.example.org": "v=DMARC1; p=none", "example.org": "v=DMARC1; p=reject"}, True, "none"),
        # A record between the two is nobody's policy.
        ("a.b.example.org",
         {"b.example.org": "v=DMARC1; p=reject", "example.org": "v=DMARC1; p=none"}, True, "none"),
        ("a.example.bank", {"bank": "v=DMARC1; p=reject; psd=y"}, True, "reject"),
        ("a.example.bank",
         {"bank": "v=DMARC1; p=reject; psd=y", "example.bank": "v=DMARC1; p=none"}, True, "none"),
    ],
)  # fmt: skip
def test_the_policy_in_force(domain: str, zone: Zone, exists: bool, policy: str) -> None:
    assert walked(domain, zone).policy(lambda: exists) == policy


def test_whether_the_name_exists_is_asked_only_when_it_matters() -> None:
    def never() -> bool:
        raise AssertionError

    assert walked("a.example.org", {"example.org": "v=DMARC1; p=reject"}).policy(never) == "reject"


@pytest.mark.parametrize(
    ("asked", "enforced"), [("reject", "quarantine"), ("quarantine", "none"), ("none", "none")]
)
def test_while_a_domain_tests_its_policy_one_step_less_is_done(asked: str, enforced: str) -> None:
    testing = walked("example.org", {"example.org": f"v=DMARC1; p={asked}; t=y"})
    assert testing.enforced(asked) == enforced
    assert walked("example.org", {"example.org": f"v=DMARC1; p={asked}"}).enforced(asked) == asked


ORG = {"example.org": "v=DMARC1; p=reject"}


@pytest.mark.parametrize(
    ("author", "other", "zone", "strict", "is_aligned"),
    [
        ("example.org", "example.org", {}, False, True),
        ("example.org", "example.org", {}, True, True),
        ("example.org", "mail.example.org", ORG, False, True),
        ("mail.example.org", "example.org", ORG, False, True),
        ("a.example.org", "b.example.org", ORG, False, True),
        ("example.org", "mail.example.org", ORG, True, False),
        # Without a record there is no organization above a name.
        ("mail.example.org", "example.org", {}, False, False),
        ("example.org", "mail.example.org", {}, False, False),
        ("example.org", "evil.example", ORG, False, False),
        ("example.org", "evilexample.org", ORG, False, False),
        ("example.org", "example.org.evil.example", ORG, False, False),
        ("example.org", "org", ORG, False, False),
        ("example.org", "mail.example.org",
         {**ORG, "mail.example.org": "v=DMARC1; p=none; psd=n"}, False, False),
        ("a.example.co.uk", "b.example.co.uk", {"co.uk": "v=DMARC1; p=none; psd=y"}, False, True),
        ("a.co.uk", "b.co.uk", {"co.uk": "v=DMARC1; p=none; psd=y"}, False, False),
    ],
)  # fmt: skip
def test_which_domains_speak_for_the_author(
    author: str, other: str, zone: Zone, strict: bool, is_aligned: bool
) -> None:
    assert aligned(other, walked(author, zone), strict, Ask(zone, [])) == is_aligned


def test_the_domain_of_a_stranger_is_not_even_asked_about() -> None:
    asked, ask = asking(ORG)
    assert not aligned("slow.evil.example", walked("example.org", ORG), False, ask)
    assert asked == []
