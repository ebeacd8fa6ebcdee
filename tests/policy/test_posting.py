"""The posting rules. A new row in RULES needs a case here; a row taken away makes one fail."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listserv.domain.authorship import UNCHECKED, Authorship, Level
from listserv.domain.decision import Decision, Reason, Verdict
from listserv.domain.lists import MEGABYTE
from listserv.domain.members import MemberRole, MemberState
from listserv.domain.post import Mailbox, Post
from listserv.domain.replies import ACCEPTED, UNKNOWN
from listserv.policy.content_rules import NOTHING, ContentRule, Findings, Trait
from listserv.policy.posting import (
    MAX_BY_AUTHOR,
    MAX_BY_LIST,
    MAX_RECEIVED,
    RULES,
    Facts,
    Rule,
    decide,
    rules_table,
)
from tests.policy.facts import ANN, BOB, a_list, a_member, a_post

MODERATOR = a_member(MemberRole.MODERATOR)
OWNER = a_member(MemberRole.OWNER)
SUSPENDED = a_member(state=MemberState.SUSPENDED)
MODERATED = a_member(moderated=True)
ANNOUNCE = a_list(posting="moderators", nonmember="reject")
PROVEN = Authorship(Level.PROVEN, ("it is signed by example.org",))
FAMILIAR = Authorship(Level.FAMILIAR, ("nothing signs it", "it came by a way that was confirmed"))
UNPROVEN = Authorship(Level.UNPROVEN, ("nothing signs it",))
FORGED = Authorship(Level.CONTRADICTED, ("nothing aligns, and example.org wants that",))


def from_member(post: Post | None = None, **facts: Any) -> Facts:
    defaults: dict[str, Any] = {
        "post": post or a_post(),
        "mlist": a_list(),
        "author": a_member(),
        "authorship": PROVEN,
    }
    return Facts(**(defaults | facts))


def from_stranger(post: Post | None = None, **facts: Any) -> Facts:
    return from_member(post, **({"author": None} | facts))


ADVERT = Findings((ContentRule(1, (Trait.LINK,), hold="advert?"),))
TOLD = Findings((ContentRule(1, (Trait.LINK,), urgent=True, answer="crisis.txt"),))


# By rule: what only that rule speaks against.
CASES: dict[str, list[Facts]] = {
    "banned": [
        from_member(banned=True),
        from_stranger(banned=True, mlist=a_list(posting="anyone")),
        from_member(author=OWNER, banned=True),
    ],
    "loop": [
        from_member(a_post(list_ids=("support.lists.example.org",))),
        from_member(a_post(list_ids=("other.example", "support.lists.example.org"))),
        from_member(
            a_post(list_ids=("support.lists.example.org",)),
            mlist=replace(a_list(), list_id="Support.Lists.Example.org"),
        ),
        # A renamed list keeps its List-Id.
        from_member(
            a_post(list_ids=("support.lists.example.org",)), mlist=replace(a_list(), name="help")
        ),
    ],
    "own-message": [from_member(ours=True)],
    "too-many-hops": [from_member(a_post(received=MAX_RECEIVED + 1))],
    "automatic-reply": [from_member(a_post(automatic="it is a bounce"))],
    "null-sender": [from_member(null_sender=True)],
    "spam": [
        from_stranger(a_post(spam=True), trusted_peer=True, mlist=a_list(posting="anyone")),
    ],
    "forged-stranger": [
        from_stranger(authorship=FORGED, mlist=a_list(posting="anyone")),
        from_stranger(
            authorship=FORGED, mlist=a_list(posting="anyone"), require_proven_author=False
        ),
    ],
    "moderators-only": [
        from_member(mlist=ANNOUNCE),
        from_member(mlist=a_list(posting="moderators", nonmember="hold")),
        from_member(mlist=ANNOUNCE, author=SUSPENDED),
    ],
    "stranger-reject": [
        from_stranger(mlist=a_list(nonmember="reject")),
        from_stranger(mlist=ANNOUNCE),
    ],
    "stranger-discard": [
        from_stranger(mlist=a_list(nonmember="discard")),
        from_stranger(mlist=a_list(posting="moderators", nonmember="discard")),
    ],
    "too-big": [
        from_member(a_post(size=MEGABYTE + 1)),
        from_member(a_post(size=1025), mlist=a_list(max_size=1024)),
        from_member(a_post(size=MEGABYTE + 1), author=OWNER),
    ],
    "list-on-hold": [
        from_member(mlist=a_list(on_hold=True)),
        from_member(mlist=a_list(on_hold=True), author=OWNER),
    ],
    "stranger-hold": [
        from_stranger(),
        from_stranger(mlist=a_list(posting="moderators")),
        from_stranger(a_post(spam=True)),  # a header that no trusted server wrote
    ],
    "unproven-author": [
        from_member(authorship=UNPROVEN),
        from_member(authorship=UNPROVEN, author=SUSPENDED),
        from_member(authorship=UNPROVEN, mlist=a_list(posting="anyone")),
        from_member(authorship=UNPROVEN, author=MODERATOR, mlist=ANNOUNCE),
        from_member(authorship=UNPROVEN, author=OWNER),
    ],
    "forged-member": [
        from_member(authorship=FORGED),
        from_member(authorship=FORGED, require_proven_author=False),
        from_member(authorship=FORGED, author=OWNER),
        from_member(authorship=FORGED, mlist=a_list(posting="anyone")),
    ],
    "no-author": [
        from_stranger(a_post(from_fields=0, authors=())),
        from_stranger(a_post(from_fields=1, authors=())),
        from_stranger(a_post(from_fields=2, authors=())),
        from_stranger(a_post(from_fields=0, authors=()), mlist=a_list(nonmember="reject")),
    ],
    "several-authors": [
        from_stranger(a_post(authors=(ANN, BOB))),
        from_stranger(a_post(from_fields=2, authors=(ANN, ANN))),
        from_stranger(a_post(from_fields=2, authors=(ANN,))),
        from_stranger(a_post(authors=(ANN, BOB)), mlist=a_list(nonmember="discard")),
        from_stranger(a_post(authors=(ANN, BOB)), mlist=ANNOUNCE),
        from_stranger(a_post(authors=(ANN, BOB)), mlist=a_list(posting="anyone")),
    ],
    "spam-member": [from_member(a_post(spam=True), trusted_peer=True)],
    "moderate-all": [
        from_member(mlist=a_list(moderation="all")),
        from_member(mlist=a_list(moderation="all"), author=a_member(posts=1000)),
        from_member(mlist=a_list(moderation="all"), author=MODERATOR),
        from_member(mlist=a_list(moderation="all"), author=OWNER),
        from_stranger(mlist=a_list(moderation="all", posting="anyone")),
    ],
    "moderate-new": [
        from_member(mlist=a_list(moderation="new")),
        from_member(mlist=a_list(moderation="new"), author=a_member(posts=2)),
        from_member(
            mlist=a_list(moderation="new", new_member_posts=1000), author=a_member(posts=999)
        ),
    ],
    "moderate-next": [
        from_member(author=a_member(read_next=True, posts=99)),
        from_member(author=a_member(MemberRole.OWNER, read_next=True), mlist=a_list()),
    ],
    "moderate-member": [
        from_member(author=MODERATED),
        from_member(author=a_member(MemberRole.OWNER, moderated=True)),
        from_member(author=MODERATED, mlist=a_list(posting="anyone")),
    ],
    "content": [
        from_member(mlist=a_list(content_rules="rules.txt"), content=ADVERT),
        from_member(mlist=a_list(content_rules="rules.txt"), content=ADVERT, author=OWNER),
        from_member(mlist=a_list(content_rules="rules.txt"), content=Findings(unreadable=True)),
    ],
    "not-addressed": [from_member(addressed=False), from_member(addressed=False, author=OWNER)],
    "same-message-id": [from_member(same_id_other_body=True)],
    "whole-digest": [
        from_member(answers_digest=True),
        from_member(answers_digest=True, author=OWNER),
        from_stranger(answers_digest=True, mlist=a_list(posting="anyone")),
    ],
    "auto-generated": [
        from_member(a_post(auto_submitted="auto-generated")),
        from_member(a_post(auto_submitted="x-something-else")),
        from_member(a_post(auto_submitted="auto-generated"), author=OWNER),
    ],
    "hard-to-read": [from_member(a_post(defects=("it has more than 200 parts",)))],
    "mail-command": [
        from_member(a_post(subject="unsubscribe", first_line="", text_lines=0)),
        from_member(a_post(subject="", first_line="SIGNOFF SUPPORT", text_lines=2)),
    ],
    "empty": [from_member(a_post(has_text=False, first_line="", text_lines=0))],
    "rate-author": [
        from_member(author_posts_last_hour=MAX_BY_AUTHOR),
        from_member(author_posts_last_hour=1000, author=OWNER),
    ],
    "rate-list": [from_member(list_posts_last_hour=MAX_BY_LIST)],
}

# What comes close to a rule and goes out all the same.
ACCEPTED_POSTS: dict[str, Facts] = {
    "a member's post": from_member(),
    "a moderator's post": from_member(author=MODERATOR),
    "an owner's post": from_member(author=OWNER),
    "a member's post by a familiar path": from_member(authorship=FAMILIAR),
    "a member's unproven post where that is not asked for": from_member(
        authorship=UNPROVEN, require_proven_author=False
    ),
    "a stranger's unproven post where anyone posts": from_stranger(
        authorship=UNPROVEN, mlist=a_list(posting="anyone")
    ),
    "a suspended member's post": from_member(author=SUSPENDED),
    "a stranger's post where anyone posts": from_stranger(mlist=a_list(posting="anyone")),
    "a stranger's, anyone posts, whatever nonmember says": from_stranger(
        mlist=a_list(posting="anyone", nonmember="reject")
    ),
    "a stranger's, anyone posts and new members are moderated": from_stranger(
        mlist=a_list(posting="anyone", moderation="new")
    ),
    "a moderator's post to an announce list": from_member(author=MODERATOR, mlist=ANNOUNCE),
    "an owner's post to an announce list": from_member(author=OWNER, mlist=ANNOUNCE),
    "a post that came through another list": from_member(a_post(list_ids=("other.example",))),
    "a post through a list that is called almost alike": from_member(
        a_post(list_ids=("xsupport.lists.example.org", "support.lists.example.orgx"))
    ),
    "a post that passed as many servers as it may": from_member(a_post(received=MAX_RECEIVED)),
    "a post that says it is no automatic one": from_member(a_post(auto_submitted="no")),
    "a spam header from anybody": from_member(a_post(spam=True)),
    "a trusted server without a spam header": from_member(trusted_peer=True),
    "a post of exactly the size that the list takes": from_member(a_post(size=MEGABYTE)),
    "a member whose first posts were read": from_member(
        mlist=a_list(moderation="new"), author=a_member(posts=3)
    ),
    "a new moderator": from_member(mlist=a_list(moderation="new"), author=MODERATOR),
    "a new owner": from_member(mlist=a_list(moderation="new"), author=OWNER),
    "a new member where nobody is moderated": from_member(author=a_member(posts=0)),
    "only an attachment": from_member(
        a_post(has_text=False, has_attachment=True, first_line="", text_lines=0)
    ),
    "a call for help": from_member(
        a_post(subject="Help", first_line="My port is infected.", text_lines=1)
    ),
    "the tenth post of an hour": from_member(author_posts_last_hour=MAX_BY_AUTHOR - 1),
    "the sixtieth post of a list": from_member(list_posts_last_hour=MAX_BY_LIST - 1),
}

BY_NAME = {rule.name: rule for rule in RULES}
EACH_CASE = [
    pytest.param(name, facts, id=f"{name} {number}")
    for name, cases in CASES.items()
    for number, facts in enumerate(cases, 1)
]
EACH_RULE = [pytest.param(rule, id=rule.name) for rule in RULES]


def names(decision: Decision) -> list[str]:
    return [reason.rule for reason in decision.reasons]


def test_every_rule_has_a_case_and_a_name_of_its_own() -> None:
    assert list(CASES) == [rule.name for rule in RULES]


def test_final_rules_stand_above_holds() -> None:
    verdicts = [rule.verdict for rule in RULES]
    first_hold = verdicts.index(Verdict.HOLD)
    assert set(verdicts[first_hold:]) == {Verdict.HOLD}
    assert Verdict.ACCEPT not in verdicts


@pytest.mark.parametrize(("name", "facts"), EACH_CASE)
def test_a_rule_speaks_alone_where_only_it_applies(name: str, facts: Facts) -> None:
    decision = decide(facts)
    rule = BY_NAME[name]
    assert names(decision) == [name]
    assert decision.verdict is rule.verdict
    assert decision.keep is rule.keep


@pytest.mark.parametrize(("name", "facts"), EACH_CASE)
def test_without_its_rule_the_post_would_go_out(name: str, facts: Facts) -> None:
    others = [rule for rule in RULES if rule.name != name]
    assert decide(facts, others) == Decision(Verdict.ACCEPT)


@pytest.mark.parametrize("facts", ACCEPTED_POSTS.values(), ids=ACCEPTED_POSTS.keys())
def test_what_comes_close_to_a_rule_goes_out(facts: Facts) -> None:
    assert decide(facts) == Decision(Verdict.ACCEPT)


def test_every_hold_reason_is_collected_in_the_order_of_the_table() -> None:
    facts = Facts(
        post=a_post(
            spam=True, auto_submitted="auto-generated", subject="unsubscribe", first_line="",
            text_lines=0, has_text=False, defects=("it is odd",),
        ),
        mlist=a_list(on_hold=True, moderation="all"),
        author=MODERATED,
        trusted_peer=True,
        addressed=False,
        same_id_other_body=True,
        authorship=UNPROVEN,
        author_posts_last_hour=99,
        list_posts_last_hour=99,
    )  # fmt: skip
    decision = decide(facts)
    assert decision.verdict is Verdict.HOLD and decision.refusal is ACCEPTED
    assert names(decision) == [
        "list-on-hold", "unproven-author", "spam-member", "moderate-all", "moderate-member",
        "not-addressed", "same-message-id", "auto-generated", "hard-to-read", "mail-command",
        "empty", "rate-author", "rate-list",
    ]  # fmt: skip


# (facts that two or more rules speak against, the one that decides)
FIRST = [
    (from_stranger(banned=True, null_sender=True, mlist=a_list(nonmember="reject")), "banned"),
    (from_member(a_post(automatic="it is a bounce"), mlist=ANNOUNCE), "automatic-reply"),
    (from_member(null_sender=True, mlist=a_list(on_hold=True)), "null-sender"),
    (from_stranger(a_post(auto_submitted="auto-generated"), null_sender=True), "null-sender"),
    (
        from_stranger(a_post(spam=True), trusted_peer=True, mlist=a_list(nonmember="reject")),
        "spam",
    ),
    (from_stranger(a_post(spam=True), trusted_peer=True), "spam"),
    (from_stranger(a_post(spam=True, authors=()), trusted_peer=True), "spam"),
    (from_stranger(a_post(size=MEGABYTE * 2), mlist=a_list(nonmember="discard")),
     "stranger-discard"),
    (from_stranger(authorship=FORGED, banned=True), "banned"),
    (from_stranger(authorship=FORGED, null_sender=True), "null-sender"),
    (from_stranger(authorship=FORGED), "forged-stranger"),
    (from_stranger(authorship=FORGED, mlist=a_list(nonmember="discard")), "forged-stranger"),
    (from_member(a_post(size=MEGABYTE * 2), authorship=FORGED), "too-big"),
    (from_stranger(a_post(size=MEGABYTE * 2)), "too-big"),
    (from_member(a_post(size=MEGABYTE * 2, spam=True), trusted_peer=True), "too-big"),
    (from_member(a_post(list_ids=("support.lists.example.org",)), addressed=False), "loop"),
]  # fmt: skip


@pytest.mark.parametrize(("facts", "name"), FIRST, ids=[name + str(i) for i, (_, name) in
                         enumerate(FIRST)])  # fmt: skip
def test_the_first_final_rule_decides_alone(facts: Facts, name: str) -> None:
    assert names(decide(facts)) == [name]


def test_a_stranger_is_told_of_more_than_being_one() -> None:
    facts = from_stranger(a_post(subject="unsubscribe", text_lines=1, first_line="unsubscribe"))
    assert names(decide(facts)) == ["stranger-hold", "mail-command"]


def test_several_authors_are_none_that_could_be_forged_or_asked() -> None:
    for authorship in (UNPROVEN, FORGED):
        facts = from_stranger(a_post(authors=(ANN, BOB)), authorship=authorship)
        assert names(decide(facts)) == ["several-authors"]


def test_the_banned_hear_what_everybody_hears_about_an_unknown_address() -> None:
    assert decide(from_member(banned=True)).refusal == UNKNOWN


@pytest.mark.parametrize("rule", EACH_RULE)
def test_automatic_mail_and_loops_leave_nothing_behind(rule: Rule) -> None:
    quiet = {"loop", "own-message", "too-many-hops", "automatic-reply", "null-sender"}
    if rule.verdict is Verdict.DISCARD:
        assert rule.keep is (rule.name not in quiet)
    else:
        assert not rule.keep


@pytest.mark.parametrize("rule", EACH_RULE)
def test_only_what_is_rejected_has_a_refusal(rule: Rule) -> None:
    assert (rule.refusal is not None) == (rule.verdict is Verdict.REJECT)


REFUSALS = [
    (from_member(banned=True), "550 5.1.1 There is no such address here"),
    (
        from_stranger(authorship=FORGED),
        "550 5.7.1 The domain of your From address says that this message is not from there; "
        "please send it through your own mail provider",
    ),
    (
        from_member(mlist=ANNOUNCE),
        "550 5.7.1 Only the moderators of support@lists.example.org may post there; "
        "please ask one of them to send it for you",
    ),
    (
        from_stranger(mlist=a_list(nonmember="reject")),
        "550 5.7.1 Only members may post to support@lists.example.org, and your address is not "
        "one of theirs; if you are a member, please send it again from the address that you "
        "joined with",
    ),
    (
        from_member(a_post(size=2_200_000)),
        "552 5.3.4 Your message has 2.1 MB; support@lists.example.org takes at most 1 MB. "
        "Please send it again with smaller attachments or without them",
    ),
    (
        from_member(a_post(size=MEGABYTE + 1)),
        "552 5.3.4 Your message has 1.1 MB; support@lists.example.org takes at most 1 MB. "
        "Please send it again with smaller attachments or without them",
    ),
    (
        from_member(a_post(size=300_001), mlist=a_list(max_size=300_000)),
        "552 5.3.4 Your message has 293 kB; support@lists.example.org takes at most 292 kB. "
        "Please send it again with smaller attachments or without them",
    ),
]


@pytest.mark.parametrize(("facts", "line"), REFUSALS, ids=[line for _, line in REFUSALS])
def test_a_refusal_says_what_happened_and_the_one_next_step(facts: Facts, line: str) -> None:
    assert decide(facts).refusal.line == line


def test_every_rule_that_rejects_has_its_refusal_tested() -> None:
    told = {names(decide(facts))[0] for facts, _ in REFUSALS}
    assert told == {rule.name for rule in RULES if rule.verdict is Verdict.REJECT}


@pytest.mark.parametrize(("facts", "line"), REFUSALS, ids=[line for _, line in REFUSALS])
def test_a_refusal_is_one_short_line_of_ascii_on_the_longest_list(facts: Facts, line: str) -> None:
    mlist = replace(facts.mlist, name="n" * 30, domain=".".join(["d" * 50] * 4) + ".example")
    refusal = decide(replace(facts, mlist=mlist)).refusal
    assert refusal.line.isascii() and refusal.line.isprintable()
    assert 500 <= refusal.code < 600 and refusal.status.startswith("5.")
    assert len(line) <= len(refusal.line) < 500
    assert len(line) < 400


@given(st.integers(1024, 1 << 30), st.integers(1, 1 << 20))
def test_a_post_that_is_too_big_never_has_the_size_that_the_list_takes(
    max_size: int, more: int
) -> None:
    facts = from_member(a_post(size=max_size + more), mlist=a_list(max_size=max_size))
    said = decide(facts).refusal.text
    size, takes = said.removeprefix("Your message has ").split("; support@lists.example.org ")
    assert in_bytes(size) > in_bytes(takes.removeprefix("takes at most ").split(". ")[0])


def in_bytes(said: str) -> float:
    number, unit = said.split()
    return float(number) * {"MB": MEGABYTE, "kB": 1024}[unit]


BECAUSE = [
    (
        from_member(mlist=a_list(content_rules="rules.txt"), content=ADVERT),
        "a content rule of the list says: advert?",
    ),
    (from_member(a_post(automatic="it is a bounce")), "it is a bounce"),
    (from_member(a_post(size=MEGABYTE + 1)), "it is larger than the 1 MB that the list takes"),
    (
        from_member(authorship=replace(UNPROVEN, reasons=("nothing signs it", "DNS is silent"))),
        "its author is not proven: nothing signs it; DNS is silent",
    ),
    (from_member(authorship=UNCHECKED), "its author is not proven: nobody looked"),
    (
        from_member(authorship=FORGED),
        "its domain says that it is forged: nothing aligns, and example.org wants that",
    ),
    (
        from_member(mlist=a_list(moderation="new", new_member_posts=5)),
        "a moderator reads a new member's first posts (5) before they go out",
    ),
    (
        from_member(a_post(defects=("its header is too long", "it has many parts"))),
        "it is built so that it cannot be read safely: its header is too long; it has many parts",
    ),
]


@pytest.mark.parametrize(("facts", "because"), BECAUSE, ids=[text for _, text in BECAUSE])
def test_a_reason_names_the_values_of_the_list_and_the_post(facts: Facts, because: str) -> None:
    assert [reason.because for reason in decide(facts).reasons] == [because]


def test_what_a_post_says_of_itself_is_never_taken_for_a_template() -> None:
    facts = from_member(a_post(automatic="{address} {0} {x.y} %s", defects=("{size}",)))
    assert decide(facts).reasons == (Reason("automatic-reply", "{address} {0} {x.y} %s"),)


@pytest.mark.parametrize("rule", EACH_RULE)
def test_a_reason_is_a_short_clause_that_completes_held_because(rule: Rule) -> None:
    because = decide(CASES[rule.name][0]).reasons[0].because
    assert because.isascii() and because.isprintable() and len(because) < 100
    assert because[0].islower() and because[-1] not in ".!"


FLAGS = st.booleans()
COUNTS = st.integers(0, 100)
BOXES = st.lists(st.sampled_from([ANN, BOB]), max_size=3).map(tuple)


@st.composite
def any_facts(draw: st.DrawFn) -> Facts:
    authors: tuple[Mailbox, ...] = draw(BOXES)
    post = a_post(
        authors=authors,
        from_fields=draw(st.integers(0, 3)),
        list_ids=draw(st.sampled_from([(), ("support.lists.example.org",)])),
        received=draw(COUNTS),
        auto_submitted=draw(st.sampled_from(["", "no", "auto-generated", "\ud800"])),
        automatic=draw(st.sampled_from(["", "it is a bounce"])),
        spam=draw(FLAGS),
        has_text=draw(FLAGS),
        has_attachment=draw(FLAGS),
        subject=draw(st.text(max_size=200)),
        first_line=draw(st.text(max_size=200)),
        text_lines=draw(COUNTS),
        size=draw(st.integers(0, 1 << 40)),
    )
    mlist = a_list(
        on_hold=draw(FLAGS),
        posting=draw(st.sampled_from(["anyone", "members", "moderators"])),
        content_rules=draw(st.sampled_from(["", "rules.txt"])),
        nonmember=draw(st.sampled_from(["reject", "hold", "discard"])),
        moderation=draw(st.sampled_from(["off", "new", "all"])),
    )
    return Facts(
        post=post,
        mlist=mlist,
        author=draw(st.sampled_from([None, a_member(), MODERATOR, OWNER, MODERATED])),
        authorship=draw(st.sampled_from([PROVEN, FAMILIAR, UNPROVEN, FORGED])),
        require_proven_author=draw(FLAGS),
        trusted_peer=draw(FLAGS),
        null_sender=draw(FLAGS),
        banned=draw(FLAGS),
        ours=draw(FLAGS),
        addressed=draw(FLAGS),
        same_id_other_body=draw(FLAGS),
        author_posts_last_hour=draw(COUNTS),
        list_posts_last_hour=draw(COUNTS),
        content=draw(st.sampled_from([NOTHING, TOLD, ADVERT, Findings(unreadable=True)])),
    )


@given(any_facts())
def test_any_post_gets_a_verdict_with_named_reasons(facts: Facts) -> None:
    decision = decide(facts)
    assert (decision.verdict is Verdict.ACCEPT) == (not decision.reasons)
    assert decision.refusal.accepted == (decision.verdict is not Verdict.REJECT)
    if decision.verdict is not Verdict.HOLD:
        assert len(decision.reasons) <= 1
    if facts.banned:
        assert decision.verdict is Verdict.REJECT
    if facts.null_sender or facts.ours or facts.post.automatic:
        assert decision.verdict in {Verdict.REJECT, Verdict.DISCARD}
    if facts.post.author is None or facts.mlist.on_hold:
        assert decision.verdict is not Verdict.ACCEPT
    if facts.authorship is FORGED:
        assert decision.verdict is not Verdict.ACCEPT
    if facts.author and facts.require_proven_author and facts.authorship is UNPROVEN:
        assert decision.verdict is not Verdict.ACCEPT


def test_a_content_rule_changes_no_other_verdict_than_acceptance() -> None:
    """What is final stays final, and a rule that only tells holds nothing."""
    for found in (ADVERT, Findings(unreadable=True)):
        for cases in CASES.values():
            for facts in cases:
                mlist = replace(facts.mlist, settings=replace(
                    facts.mlist.settings, content_rules="rules.txt"
                ))  # fmt: skip
                before = decide(replace(facts, content=NOTHING))
                after = decide(replace(facts, mlist=mlist, content=found))
                if before.verdict in {Verdict.ACCEPT, Verdict.HOLD}:
                    assert after.verdict is Verdict.HOLD and set(after.reasons) > {*before.reasons}
                else:
                    assert after == before
                assert decide(replace(facts, mlist=mlist, content=TOLD)) == before


def test_without_rules_of_its_own_a_list_holds_nothing_for_its_text() -> None:
    assert decide(from_member(content=ADVERT)).verdict is Verdict.ACCEPT
    assert "content" not in rules_table(a_list())
    assert "| content " in rules_table(a_list(content_rules="rules.txt"))


def rows_of(table: str) -> list[list[str]]:
    lines = [line for line in table.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_the_table_without_a_list_has_every_rule_and_its_settings() -> None:
    heading, _, *rows = rows_of(rules_table(None))
    assert heading == ["rule", "verdict", "because", "with"]
    assert [row[0] for row in rows] == [rule.name for rule in RULES]
    assert [row[1] for row in rows] == [rule.verdict for rule in RULES]
    by_name = {row[0]: row[2:] for row in rows}
    assert by_name["stranger-hold"] == [
        "its author is not subscribed", "`posting=members or moderators`, `nonmember=hold`",
    ]  # fmt: skip
    assert by_name["too-big"] == ["it is larger than the `max_size` that the list takes", ""]


def test_the_table_of_a_list_has_its_own_rules_and_values() -> None:
    mlist = a_list(nonmember="discard", moderation="new", new_member_posts=5, max_size=500_000)
    heading, _, *rows = rows_of(rules_table(mlist))
    assert heading == ["rule", "verdict", "because"]
    depends = {rule.name for rule in RULES if rule.where}
    assert [row[0] for row in rows if row[0] in depends] == ["stranger-discard", "moderate-new"]
    assert {row[0] for row in rows} >= {
        rule.name for rule in RULES if not (rule.where or rule.needs)
    }
    assert ["too-big", "reject", "it is larger than the 488 kB that the list takes"] in rows
    assert "(5)" in rules_table(mlist)
    assert rules_table(mlist).startswith("# Posting rules of support@lists.example.org\n")


@given(any_facts())
def test_what_decides_stands_in_the_table_of_the_list(facts: Facts) -> None:
    shown = {row[0] for row in rows_of(rules_table(facts.mlist))}
    assert shown >= set(names(decide(facts)))


@pytest.mark.parametrize("mlist", [None, a_list()], ids=["no list", "a list"])
def test_the_table_is_markdown_whose_columns_stand_below_each_other(mlist: Any) -> None:
    lines = [line for line in rules_table(mlist).splitlines() if line.startswith("|")]
    bars = {tuple(i for i, c in enumerate(line) if c == "|") for line in lines}
    assert len(bars) == 1
    assert "{" not in rules_table(mlist) and rules_table(mlist).endswith("|\n")
