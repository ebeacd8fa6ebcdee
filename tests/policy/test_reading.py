"""Every post comes to a member exactly once, by copy or by digest, however often they switch."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from listserv.domain.members import Delivery
from listserv.policy.reading import Reading, comes_as_copy, owing, switched

MAIL, DIGEST, NOMAIL = Delivery.MAIL, Delivery.DIGEST, Delivery.NOMAIL
STEPS = st.lists(
    st.sampled_from(["post", "post", "deliver", "digest", "mail", "read", "read digest"]),
    max_size=40,
)


@settings(max_examples=300)
@given(STEPS)
def test_switching_loses_no_post_and_doubles_none(steps: list[str]) -> None:
    """Copies may be on their way while a member switches once; then they arrive."""
    now, last, came = Reading(MAIL, 0), 0, []
    on_their_way: list[int] = []

    def deliver() -> None:
        for number in on_their_way:
            if comes_as_copy(now.delivery, now.digest_from, now.cursor, number):
                came.append(number)
        on_their_way.clear()

    def make_digest() -> None:
        nonlocal now
        if now.owed_from is not None and now.owed_to is not None:
            came.extend(range(now.owed_from + 1, now.owed_to + 1))
            now = replace(now, owed_from=None, owed_to=None)
        if now.delivery is DIGEST:
            came.extend(range(now.cursor + 1, last + 1))
            now = replace(now, cursor=last)

    for step in [*steps, "deliver", "read digest"]:
        if step == "post":
            last += 1
            on_their_way.append(last)
        elif step == "deliver":
            deliver()
        elif step == "read digest":
            make_digest()
        elif step in {"mail", "digest"} and Delivery(step) is not now.delivery:
            # What is on its way arrives before somebody switches a second time.
            if now.owed_to is not None or now.digest_from is not None:
                deliver()
                if now.owed_to is not None:
                    make_digest()
            now = switched(now, Delivery(step), last, None)
    assert sorted(came) == list(range(1, last + 1))


def test_a_break_is_left_out_and_may_be_asked_for() -> None:
    away = switched(Reading(DIGEST, cursor=3, digest_from=1), NOMAIL, 5, None)
    assert (away.owed_from, away.owed_to, away.cursor) == (3, 5, 5)
    assert not comes_as_copy(away.delivery, away.digest_from, away.cursor, 6)
    made = replace(away, owed_from=None, owed_to=None)

    back = switched(made, MAIL, 9, 5)
    copies = [n for n in range(1, 12) if comes_as_copy(MAIL, back.digest_from, back.cursor, n)]
    assert copies == [1, 2, 3, 4, 5, 10, 11] and back.owed_to is None
    assert owing(back, 5, 9) == replace(back, owed_from=5, owed_to=9)

    digest = switched(made, DIGEST, 9, 5)
    assert (digest.cursor, digest.owed_to) == (9, None)


def test_what_is_owed_twice_is_owed_once() -> None:
    assert owing(Reading(MAIL, 0, None, 3, 5), 7, 9) == Reading(MAIL, 0, None, 3, 9)


def test_who_never_read_digests_gets_every_copy_and_nobody_without_mail_gets_one() -> None:
    for number in (None, 1, 100):
        assert comes_as_copy(MAIL, None, 50, number)
        assert not comes_as_copy(NOMAIL, None, 50, number)
        assert not comes_as_copy(DIGEST, None, 50, number)


def test_who_switches_to_what_they_have_changes_nothing() -> None:
    for delivery in Delivery:
        same = Reading(delivery, 3, 2, 0, 2)
        assert switched(same, delivery, 9, 5) == same
