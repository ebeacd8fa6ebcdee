"""bounce: whose mail comes back is shown and forgotten."""

from datetime import timedelta

from listserv.domain.members import Member
from listserv.flow import bounce, weigh
from listserv.policy.bounce_kind import BounceKind
from listserv.store import bounces, lists, members
from listserv.store.session import Tx
from tests.cli.shell import Shell

NOBODY = BounceKind.HARD
BOB = "bob@x.test"


def come_back(shell: Shell, *days: int, kind: BounceKind = NOBODY, who: str = BOB) -> None:
    """A mail to a member came back on each of these days, so many days ago."""
    with shell.app() as app:
        now = app.clock.now()

        def note(tx: Tx) -> None:
            member = the_member(tx, who)
            for ago in days:
                at = now - timedelta(days=ago)
                bounces.add(
                    tx, list_id=member.list_id, member=member.id, mailing_id=1000 + ago,
                    domain="x.test", kind=kind, words="550 no", now=at, day=app.site.today(at),
                )  # fmt: skip
            weigh.weigh(tx, app.site, now)

        app.store.write(note)


def the_member(tx: Tx, who: str) -> Member:
    member = members.by_key(tx, lists.find(tx, "town").id, who)
    assert member is not None
    return member


def suspend(shell: Shell) -> None:
    with shell.app() as app:

        def stop(tx: Tx) -> None:
            mlist, bob = lists.find(tx, "town"), the_member(tx, BOB)
            bounce.suspend(tx, app.site, mlist, bob, bounce.BOUNCES, app.clock.now())

        app.store.write(stop)


def test_whose_mail_comes_back_is_shown_with_their_score(town: Shell) -> None:
    assert town.json("bounce", "ls", "town") == []
    come_back(town, 20, kind=BounceKind.SOFT, who="ann@x.test")  # too long ago
    come_back(town, 1, 2)
    (row,) = town.json("bounce", "ls", "town")
    assert list(row) == ["address", "score", "state", "last"]
    assert (row["address"], row["score"], row["state"]) == (BOB, 2, "active")
    come_back(town, 0)
    assert town.json("bounce", "ls", "town")[0]["state"] == "probed"
    assert "bob@x.test\t3\tprobed\t" in town.ok("bounce", "ls", "town")
    status = town.json("status")
    assert (status["bounces_last_day"], status["members_suspended"]) == (1, 0)
    assert status["domains_not_scored"] == []


def test_a_score_is_forgotten_and_who_was_suspended_gets_mail_again(town: Shell) -> None:
    come_back(town, 1, 2)
    assert "the score of bob@x.test is 0" in town.ok("bounce", "reset", "town", BOB)
    assert town.json("bounce", "ls", "town") == []
    suspend(town)
    assert [row["state"] for row in town.json("bounce", "ls", "town")] == ["suspended"]
    assert town.json("status")["members_suspended"] == 1
    assert town.json("member", "show", "town", BOB)["state"] == "suspended"
    assert "bob@x.test gets mail again" in town.ok("bounce", "reset", "town", BOB)
    assert town.json("member", "show", "town", BOB)["state"] == "active"
    assert "resumed bob@x.test" in town.ok("list", "log", "town")


def test_what_is_not_there_is_named(town: Shell) -> None:
    assert "there is no such list" in town.refused("bounce", "ls", "city")
    assert "is not a member" in town.refused("bounce", "reset", "town", "eve@x.test")


def test_a_domain_that_refuses_us_stands_in_the_status(town: Shell) -> None:
    come_back(town, 0, kind=BounceKind.POLICY)
    come_back(town, 0, kind=BounceKind.POLICY, who="ann@x.test")
    assert town.json("status")["domains_not_scored"] == ["x.test (ours): 550 no"]
    assert town.json("bounce", "ls", "town") == []
