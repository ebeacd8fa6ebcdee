"""An Authorship is kept as it was."""

import json

from hypothesis import given
from hypothesis import strategies as st

from listserv.domain.authorship import UNCHECKED, Authorship, Level, Signature, VerifiedPath
from listserv.store.authorship_json import read_authorship, write_authorship

DOMAINS = st.sampled_from(["example.org", "mail.example.net", "xn--bcher-kva.example"])
SIGNATURES = st.builds(
    Signature,
    domain=DOMAINS,
    digest=st.binary(max_size=32),
    signed=st.none() | st.integers(0, 1 << 40),
    names=st.frozensets(st.sampled_from(["from", "to", "subject"])),
)
AUTHORSHIPS = st.builds(
    Authorship,
    level=st.sampled_from(Level),
    reasons=st.lists(st.text(max_size=20), max_size=3).map(tuple),
    path=st.builds(
        VerifiedPath,
        dkim=st.lists(DOMAINS, max_size=3).map(tuple),
        spf=st.just("") | DOMAINS,
    ),
    policy=st.sampled_from(["none", "quarantine", "reject"]),
    aligned=st.lists(SIGNATURES, max_size=2).map(tuple),
    spf_aligned=st.booleans(),
    temporary=st.booleans(),
    unaligned=st.lists(SIGNATURES, max_size=2).map(tuple),
)


@given(AUTHORSHIPS)
def test_any_authorship_is_read_as_it_was_written(authorship: Authorship) -> None:
    stored = json.loads(json.dumps(write_authorship(authorship)))
    assert read_authorship(stored) == authorship


def test_a_post_from_before_anybody_looked_is_unchecked() -> None:
    assert read_authorship(None) == UNCHECKED
