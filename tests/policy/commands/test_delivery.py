"""Whether mail comes is one thing, how it comes another."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listserv.domain.members import Delivery
from listserv.policy.commands.command import Option
from listserv.policy.commands.delivery import ABSENT, OPTION_WORDS, OPTIONS, Receiving, receiving

MAIL, DIGEST, NOMAIL = Delivery.MAIL, Delivery.DIGEST, Delivery.NOMAIL
# Whoever gets each post, the digest, nothing (and got posts), nothing (and got digests).
POSTS = Receiving(MAIL, MAIL, "html")
DIGESTS = Receiving(DIGEST, DIGEST, "html")
NO_POSTS = Receiving(NOMAIL, MAIL, "html")
NO_DIGESTS = Receiving(NOMAIL, DIGEST, "html")

# option -> what becomes of the four
RULE = {
    Option.MAIL: (POSTS, POSTS, POSTS, DIGESTS),
    Option.NOMAIL: (NO_POSTS, NO_DIGESTS, NO_POSTS, NO_DIGESTS),
    Option.DIGEST: (DIGESTS, DIGESTS, DIGESTS, DIGESTS),
    Option.NODIGEST: (POSTS, POSTS, NO_POSTS, NO_POSTS),
    Option.ON: (POSTS, DIGESTS, POSTS, DIGESTS),
    Option.ACK: (POSTS, DIGESTS, NO_POSTS, NO_DIGESTS),
}


@pytest.mark.parametrize("option", RULE)
def test_how_mail_comes_after_an_option(option: Option) -> None:
    before = (POSTS, DIGESTS, NO_POSTS, NO_DIGESTS)
    assert tuple(receiving(one, option) for one in before) == RULE[option]


def test_a_format_leaves_the_delivery_alone() -> None:
    assert receiving(NO_DIGESTS, Option.TEXT) == Receiving(NOMAIL, DIGEST, "text")


@given(st.sampled_from(list(Option)), st.sampled_from([POSTS, DIGESTS, NO_POSTS, NO_DIGESTS]))
def test_what_comes_is_what_is_stored_while_mail_is_on(option: Option, now: Receiving) -> None:
    after = receiving(now, option)
    assert after.delivery in {NOMAIL, after.stored} and after.stored is not NOMAIL


def test_every_option_has_one_row_and_words_of_its_own() -> None:
    assert [row.option for row in OPTIONS] == list(Option)
    words = [word.lower() for row in OPTIONS for word in row.words]
    assert len(words) == len(set(words))
    assert not OPTION_WORDS.keys() & ABSENT.keys()
    assert all(OPTION_WORDS[row.option.lower()] is row.option for row in OPTIONS)
