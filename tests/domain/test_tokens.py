"""Computed tokens: what was written is read, and nothing else is."""

import re
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listserv.domain.address import FORMS, MAX_TOKEN
from listserv.domain.tokens import (
    MAILING_BITS,
    MEMBER_BITS,
    CopyToken,
    Purpose,
    copy_token,
    copy_tokens,
    is_own_message_id,
    item_token,
    own_message_id,
    read_copy_token,
    read_item_token,
    read_web_token,
    web_tokens,
)

SECRET = bytes(range(32))
MEMBERS = st.integers(0, (1 << MEMBER_BITS) - 1)
MAILINGS = st.integers(0, 1 << 63)
PURPOSES = st.sampled_from(Purpose)
HOSTNAMES = st.sampled_from(["lists.example.org", "a.example"])
NONCES = st.binary(min_size=10, max_size=10)


@given(PURPOSES, MEMBERS, MAILINGS)
def test_a_token_says_whose_copy_of_which_mailing(
    purpose: Purpose, member: int, mailing: int
) -> None:
    token = copy_token(SECRET, purpose, member, mailing)
    wanted = CopyToken(member, mailing % (1 << MAILING_BITS))
    assert read_copy_token(SECRET, purpose, token) == wanted
    assert re.fullmatch("[a-z2-7]+", token) and len(token) <= MAX_TOKEN
    assert any(f.argument and f.argument.fullmatch(token) for f in FORMS)


@given(PURPOSES, MEMBERS, MAILINGS, st.integers(0, MAX_TOKEN - 1), st.sampled_from("abcxyz27=+ é1"))
def test_a_token_with_any_character_changed_is_none(
    purpose: Purpose, member: int, mailing: int, at: int, other: str
) -> None:
    token = copy_token(SECRET, purpose, member, mailing)
    changed = token[:at] + other + token[at + 1 :]
    assert changed == token or read_copy_token(SECRET, purpose, changed) is None


def test_every_single_character_counts() -> None:
    token = copy_token(SECRET, Purpose.BOUNCES, 7, 8)
    for at, old in enumerate(token):
        for new in "abcdefghijklmnopqrstuvwxyz234567".replace(old, ""):
            changed = token[:at] + new + token[at + 1 :]
            assert read_copy_token(SECRET, Purpose.BOUNCES, changed) is None


@given(PURPOSES, PURPOSES, MEMBERS, MAILINGS)
def test_a_token_of_another_purpose_is_none(
    purpose: Purpose, other: Purpose, member: int, mailing: int
) -> None:
    token = copy_token(SECRET, purpose, member, mailing)
    assert (read_copy_token(SECRET, other, token) is None) == (other is not purpose)


@given(PURPOSES, MEMBERS, MAILINGS, st.binary(min_size=32, max_size=32))
def test_a_token_of_another_site_is_none(
    purpose: Purpose, member: int, mailing: int, secret: bytes
) -> None:
    token = copy_token(SECRET, purpose, member, mailing)
    assert secret == SECRET or read_copy_token(secret, purpose, token) is None


@given(st.one_of(st.text(max_size=30), st.text("abcdefg27=", min_size=24, max_size=24)))
def test_any_other_text_is_none(text: str) -> None:
    assert read_copy_token(SECRET, Purpose.LEAVE, text) is None


@pytest.mark.parametrize("token", ["", "a" * 23, "a" * 25, "é" * 24, "1" * 24, "a" * 16 + "=" * 8])
def test_a_token_of_wrong_length_or_alphabet_is_none(token: str) -> None:
    assert read_copy_token(SECRET, Purpose.ITEM, token) is None


def test_a_token_that_a_mail_system_put_into_capitals_is_still_read() -> None:
    token = copy_token(SECRET, Purpose.BOUNCES, 7, 8)
    assert read_copy_token(SECRET, Purpose.BOUNCES, token.upper()) == CopyToken(7, 8)


@given(st.lists(MEMBERS, max_size=5), MAILINGS)
def test_a_web_token_says_whose_copy_of_which_mailing(numbers: list[int], mailing: int) -> None:
    tokens = web_tokens(SECRET, numbers, mailing)
    assert all(re.fullmatch("[a-z2-7]{32}", token) for token in tokens)
    wanted = [CopyToken(member, mailing % (1 << MAILING_BITS)) for member in numbers]
    assert [read_web_token(SECRET, token) for token in tokens] == wanted
    assert [read_web_token(SECRET, token.upper()) for token in tokens] == wanted
    assert not any(read_web_token(bytes(32), token) for token in tokens)


def test_every_single_character_of_a_web_token_counts() -> None:
    (token,) = web_tokens(SECRET, [7], 8)
    for at, old in enumerate(token):
        for new in "abcdefghijklmnopqrstuvwxyz234567=é 1/.".replace(old, ""):
            assert read_web_token(SECRET, token[:at] + new + token[at + 1 :]) is None
    for odd in ("", token[:-1], token + "a", token[:24], "a" * 32, "é" * 32, "a" * 24 + "=" * 8):
        assert read_web_token(SECRET, odd) is None


@given(st.one_of(st.text(max_size=40), st.text("abcdefg27=", min_size=32, max_size=32)))
def test_any_other_text_is_no_web_token(text: str) -> None:
    assert read_web_token(SECRET, text) is None


def test_a_web_token_is_no_copy_token_and_no_message_id() -> None:
    """Not even where one is the beginning of the other."""
    (token,) = web_tokens(SECRET, [7], 8)
    assert not is_own_message_id(SECRET, f"<{token}.listserv@lists.example.org>")
    for purpose in Purpose:
        assert read_copy_token(SECRET, purpose, token[:24]) is None
        assert copy_token(SECRET, purpose, 7, 8) not in token
    left = own_message_id(SECRET, bytes(10), "a.example")[1:33]
    assert read_web_token(SECRET, left) is None


@pytest.mark.parametrize("member", [-1, 1 << MEMBER_BITS])
def test_a_member_number_that_does_not_fit_is_our_fault(member: int) -> None:
    for tokens in (web_tokens, partial(copy_tokens, purpose=Purpose.BOUNCES)):
        with pytest.raises(ValueError, match="more than 36 bits"):
            tokens(SECRET, members=[1, member], mailing=1)


@given(NONCES, HOSTNAMES)
def test_a_message_id_that_we_issued_is_known_again(nonce: bytes, hostname: str) -> None:
    message_id = own_message_id(SECRET, nonce, hostname)
    assert re.fullmatch(rf"<[a-z2-7]{{32}}\.listserv@{re.escape(hostname)}>", message_id)
    assert is_own_message_id(SECRET, message_id)
    assert is_own_message_id(SECRET, message_id.strip("<>"))
    assert not is_own_message_id(bytes(32), message_id)


def test_a_message_id_of_ours_with_any_character_changed_is_not_ours() -> None:
    message_id = own_message_id(SECRET, bytes(10), "lists.example.org")
    for at in range(1, message_id.index("@") + 1):
        for new in "a7=.":
            changed = message_id[:at] + new + message_id[at + 1 :]
            assert changed == message_id or not is_own_message_id(SECRET, changed)


@pytest.mark.parametrize(
    "message_id",
    [
        "",
        "<>",
        "<1@example.org>",
        "<.listserv@lists.example.org>",
        f"<{'a' * 32}.listserv@lists.example.org>",
        f"<{'1' * 32}.listserv@lists.example.org>",
        f"<{'é' * 32}.listserv@lists.example.org>",
        f"<{'a' * 24}{'=' * 8}.listserv@lists.example.org>",
        f"<{'a' * 32}@lists.example.org>",
    ],
)
def test_another_message_id_is_not_ours(message_id: str) -> None:
    assert not is_own_message_id(SECRET, message_id)


@given(st.text(max_size=60).map("{}.listserv@x".format))
def test_any_text_is_no_message_id_of_ours(text: str) -> None:
    assert not is_own_message_id(SECRET, text)


def test_a_message_id_is_no_token_and_a_token_no_message_id() -> None:
    token = copy_token(SECRET, Purpose.BOUNCES, 7, 8)
    assert not is_own_message_id(SECRET, f"<{token}.listserv@lists.example.org>")


@given(MEMBERS, st.integers(1, (1 << MAILING_BITS) - 1))
def test_an_items_token_names_its_post_and_no_copy_is_one(post: int, mailing: int) -> None:
    token = item_token(SECRET, post)
    assert read_item_token(SECRET, token) == read_item_token(SECRET, token.upper()) == post
    assert read_item_token(bytes(32), token) is None
    assert read_item_token(SECRET, copy_token(SECRET, Purpose.ITEM, post, mailing)) is None
    assert read_item_token(SECRET, copy_token(SECRET, Purpose.LEAVE, post, 0)) is None
