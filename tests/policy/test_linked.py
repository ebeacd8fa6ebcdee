"""Which addresses are spellings of one mailbox."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from listserv.domain.address import Address, parse_address
from listserv.policy.linked import mailbox_key

SAME = [
    "annlee@gmail.com Ann.Lee@gmail.com ann.lee@googlemail.com ANNLEE+list@googlemail.com",
    "ann.lee@icloud.com Ann.Lee@me.com ann.lee+list@mac.com",
    "ann.lee@proton.me ann.lee@protonmail.com Ann.Lee+x@pm.me",
    "ann@x.test ann+list@x.test ANN+a+b@x.test",
    "+list@x.test",
    '"ann@+list"@x.test',
    "ann.lee@x.test",
    "annlee@x.test",
    "annlee@icloud.com",
    "ann@sub.gmail.com",
    "a.nn@sub.gmail.com",
    "ann-list@x.test",
]


def an_address(text: str) -> Address:
    read = parse_address(text)
    assert read is not None
    return read


@pytest.mark.parametrize("spellings", SAME)
def test_spellings_of_a_mailbox_are_equal_and_those_of_others_are_not(spellings: str) -> None:
    first = spellings.split(" ")[0]
    for other in SAME:
        keys = {mailbox_key(an_address(text)) for text in other.split(" ")}
        assert len(keys) == 1
        assert (mailbox_key(an_address(first)) in keys) == (other == spellings)


@given(st.from_regex(r"\A[a-z.+A-Z]{1,12}\Z"), st.sampled_from(["gmail.com", "me.com", "x.test"]))
@example("a.+b", "x.test")
@example("+.a", "gmail.com")
def test_the_key_of_a_mailbox_is_its_own_key(local: str, domain: str) -> None:
    address = parse_address(f"{local}@{domain}")
    if address is not None:
        key = mailbox_key(address)
        local, _, domain = key.rpartition("@")
        assert mailbox_key(Address(local, domain)) == key
