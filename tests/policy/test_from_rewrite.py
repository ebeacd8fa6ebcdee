"""When a copy's From stays its author's, and which settings contradict that."""

import pytest

from listserv.domain.lists import ListSettings
from listserv.mail.parse import parse
from listserv.policy.from_rewrite import keeps_from, why_not

ANN = "From: Ann Lee <ann@example.org>"

# by what is special: the setting, the From, the policy of its domain, whether it stays
CASES = {
    "no policy": ("policy", ANN, "none", True),
    "always rewritten": ("always", ANN, "none", False),
    "quarantine": ("policy", ANN, "quarantine", False),
    "reject": ("policy", ANN, "reject", False),
    "Gmail, whose record says none": ("policy", "From: ann@gmail.com", "none", False),
    "Gmail's old name": ("policy", "From: ann@GoogleMail.com", "none", False),
    "not Gmail": ("policy", "From: ann@notgmail.com", "none", True),
    "two authors": ("policy", "From: ann@example.org, bob@example.org", "none", False),
    "two From fields": ("policy", f"{ANN}\r\nFrom: bob@example.org", "none", False),
    "a name that is an address": ("policy", 'From: "bob@x.test" <eve@evil.test>', "none", False),
}


@pytest.mark.parametrize(("setting", "sender", "policy", "stays"), CASES.values(), ids=CASES.keys())
def test_from_stays_where_nothing_speaks_against_it(
    setting: str, sender: str, policy: str, stays: bool
) -> None:
    post = parse(f"{sender}\r\nTo: town@lists.example.org\r\n\r\nHello.\r\n".encode())
    assert keeps_from(ListSettings(from_rewrite=setting), post, policy) is stays


@pytest.mark.parametrize(
    ("settings", "to_unset"),
    [
        ({"from_rewrite": "policy"}, ()),
        ({"from_rewrite": "always", "footer": "--", "subject_prefix": "[t]"}, ()),
        ({"from_rewrite": "policy", "footer": "--"}, ("footer=",)),
        ({"from_rewrite": "policy", "subject_prefix": "[t]"}, ("subject_prefix=",)),
        (
            {"from_rewrite": "policy", "footer": "--", "subject_prefix": "[t]"},
            ("subject_prefix=", "footer="),
        ),
    ],
)
def test_what_would_break_the_signature_is_named_with_the_way_out(
    settings: dict[str, str], to_unset: tuple[str, ...]
) -> None:
    why = why_not(ListSettings(**settings))  # type: ignore[arg-type]
    assert bool(why) is bool(to_unset)
    assert all(word in why.partition(": set")[2] for word in to_unset)
