"""The posting rules: RULES, a table. Facts about one post for one list in, Decision out.

How to read it: from top to bottom. The first rule that is final (not hold) and applies decides;
otherwise every hold that applies is noted, so that a moderator sees all reasons at once; a post
that nothing speaks against is accepted. The order is the policy: final rules stand above holds.

A new rule is a row here and a case in tests/policy/test_posting.py; one that needs a new fact adds
a field with a default to Facts and the line in flow/facts.py that fills it. Lists differ by their
settings, not by rules of their own: `where` names the settings under which a row is in force.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from listserv.domain.address import ascii_lower
from listserv.domain.authorship import UNCHECKED, Authorship
from listserv.domain.decision import Decision, Reason, Verdict
from listserv.domain.lists import MEGABYTE, ListSettings, MailingList
from listserv.domain.members import Member
from listserv.domain.post import Post, Transport
from listserv.domain.replies import ACCEPTED, UNKNOWN, Reply
from listserv.policy.content_rules import NOTHING, Findings
from listserv.policy.markdown import markdown
from listserv.policy.misdirected import is_mail_command
from listserv.policy.trust import Act, Consequence, trust

# Postfix bounces at 50; real posts seldom pass 15 servers.
MAX_RECEIVED = 30
# Posts in an hour; more are held.
MAX_BY_AUTHOR = 10
MAX_BY_LIST = 60

# The rule under which a post waits for its own author.
UNPROVEN_AUTHOR = "unproven-author"
# The rule under which a post waits until its author has said what it answers.
WHOLE_DIGEST = "whole-digest"
# The rule under which a post waits for what its text says, and what stands before that.
CONTENT = "content"
_CONTENT_SAYS = "a content rule of the list says: "
# The rules under which a new member's posts wait, and one more of somebody.
NEW_MEMBER = "moderate-new"
ONCE_MORE = "moderate-next"
# Rules whose refusal is heard by the client or by nobody.
QUIET = frozenset({"banned", "forged-stranger"})

_KILOBYTE = 1024


@dataclass(frozen=True, slots=True)
class Facts:
    """All that the rules may know about one post for one list.

    `author` is the active or suspended member whom the From names by their own address, by a linked
    one or, when it is proven, by another spelling of these; None when there is none.
    `authorship` says how far that From is believed, `require_proven_author` whether it has to be.
    `trusted_peer`: the spam header is ours to believe. `ours`: its Message-ID is one that we
    issued. `addressed`: the list's address or a former one stands in To or Cc. The counts are of
    the posts before this one that were accepted or held. `answers_digest`: it replies to a whole
    digest, and nothing says to which post. `content`: what the list's content rules
    find; nobody looks in what a final rule decides.
    """

    post: Post
    mlist: MailingList
    author: Member | None = None
    authorship: Authorship = UNCHECKED
    require_proven_author: bool = True
    transport: Transport = Transport.SMTP
    trusted_peer: bool = False
    null_sender: bool = False
    banned: bool = False
    ours: bool = False
    addressed: bool = True
    same_id_other_body: bool = False
    answers_digest: bool = False
    author_posts_last_hour: int = 0
    list_posts_last_hour: int = 0
    content: Findings = NOTHING


@dataclass(frozen=True, slots=True)
class Rule:
    """One row. `because` completes "held because …" and, like `refusal`, may name a {value};
    `where` says which settings, with one of which values, put the row in force, `needs` which
    setting has to have any; `keep` is of a discarded post; `needs_proof` rows are in force with
    auth.require_proven_author only."""

    name: str
    verdict: Verdict
    because: str
    applies: Callable[[Facts], bool]
    where: Mapping[str, Sequence[str]] = field(default_factory=lambda: MappingProxyType({}))
    refusal: Reply | None = None
    keep: bool = False
    needs_proof: bool = False
    needs: str = ""

    def in_force(self, settings: ListSettings, *, require_proven_author: bool) -> bool:
        if self.needs_proof and not require_proven_author:
            return False
        if self.needs and not getattr(settings, self.needs):
            return False
        for key, values in self.where.items():
            if getattr(settings, key) not in values:
                return False
        return True


def _is_looping(f: Facts) -> bool:
    return ascii_lower(f.mlist.list_id) in f.post.list_ids


def _is_spam(f: Facts) -> bool:
    return f.trusted_peer and f.post.spam


def _is_from_stranger(f: Facts) -> bool:
    # Without exactly one author nobody is known to be a stranger: those rows hold the post.
    return f.author is None and f.post.author is not None


def _follows(f: Facts, consequence: Consequence) -> bool:
    cell = trust(f.authorship.level, Act.POST, require_proven_author=f.require_proven_author)
    return cell.follows is consequence


def _is_from_new_member(f: Facts) -> bool:
    return f.author is not None and is_new(f.author, f.author.posts, f.mlist)


def is_new(author: Member | None, posts: int, mlist: MailingList) -> bool:
    """Whether an author with so many accepted posts is new to a list; who is no member is."""
    if author is None:
        return True
    return not author.is_moderator and posts < mlist.settings.new_member_posts


def _has_several_authors(f: Facts) -> bool:
    return bool(f.post.authors) and f.post.author is None


_H, _R, _D = Verdict.HOLD, Verdict.REJECT, Verdict.DISCARD
_CLOSED = ("members", "moderators")
_MODERATORS_ONLY = Reply(
    550, "5.7.1",
    "Only the moderators of {address} may post there; please ask one of them to send it for you",
)  # fmt: skip
_MEMBERS_ONLY = Reply(
    550, "5.7.1",
    "Only members may post to {address}, and your address is not one of theirs; "
    "if you are a member, please send it again from the address that you joined with",
)  # fmt: skip
_FORGED = Reply(
    550, "5.7.1",
    "The domain of your From address says that this message is not from there; "
    "please send it through your own mail provider",
)  # fmt: skip
_TOO_BIG = Reply(
    552, "5.3.4",
    "Your message has {size}; {address} takes at most {max_size}. "
    "Please send it again with smaller attachments or without them",
)  # fmt: skip

RULES: tuple[Rule, ...] = (
    Rule("banned", _R, "its author is banned", lambda f: f.banned, refusal=UNKNOWN),
    Rule("loop", _D, "it has been through this list already", _is_looping),
    Rule("own-message", _D, "we have sent this very message ourselves", lambda f: f.ours),
    Rule("too-many-hops", _D, f"it has passed more than {MAX_RECEIVED} mail servers",
         lambda f: f.post.received > MAX_RECEIVED),
    Rule("automatic-reply", _D, "{automatic}",
         lambda f: bool(f.post.automatic)),
    Rule("null-sender", _D, "it is an automatic reply: it came without a return address",
         lambda f: f.null_sender),
    Rule("spam", _D, "the mail server in front of us takes it for spam",
         lambda f: _is_spam(f) and f.author is None, keep=True),
    Rule("forged-stranger", _R, "its domain says that it is forged: {authorship}",
         lambda f: _is_from_stranger(f) and _follows(f, Consequence.KEEP_OUT), refusal=_FORGED),
    Rule("moderators-only", _R, "only moderators post to this list",
         lambda f: f.author is not None and not f.author.is_moderator,
         where={"posting": ("moderators",)}, refusal=_MODERATORS_ONLY),
    Rule("stranger-reject", _R, "its author is not subscribed", _is_from_stranger,
         where={"posting": _CLOSED, "nonmember": ("reject",)}, refusal=_MEMBERS_ONLY),
    Rule("stranger-discard", _D, "its author is not subscribed", _is_from_stranger,
         where={"posting": _CLOSED, "nonmember": ("discard",)}, keep=True),
    Rule("too-big", _R, "it is larger than the {max_size} that the list takes",
         lambda f: f.post.size > f.mlist.settings.max_size, refusal=_TOO_BIG),

    Rule("list-on-hold", _H, "the list is on hold", lambda f: f.mlist.on_hold),
    Rule("stranger-hold", _H, "its author is not subscribed", _is_from_stranger,
         where={"posting": _CLOSED, "nonmember": ("hold",)}),
    Rule(UNPROVEN_AUTHOR, _H, "its author is not proven: {authorship}",
         lambda f: f.author is not None and _follows(f, Consequence.ASK), needs_proof=True),
    Rule("forged-member", _H, "its domain says that it is forged: {authorship}",
         lambda f: f.author is not None and _follows(f, Consequence.KEEP_OUT)),
    Rule("no-author", _H, "its From names no address that can be read",
         lambda f: not f.post.authors),
    Rule("several-authors", _H, "its From names more than one author", _has_several_authors),
    Rule("spam-member", _H, "the mail server in front of us takes it for spam",
         lambda f: _is_spam(f) and f.author is not None),
    Rule("moderate-all", _H, "a moderator reads every post before it goes out", lambda f: True,
         where={"moderation": ("all",)}),
    Rule(NEW_MEMBER, _H,
         "a moderator reads a new member's first posts ({new_member_posts}) before they go out",
         _is_from_new_member, where={"moderation": ("new",)}),
    Rule(ONCE_MORE, _H, "a moderator reads one more post of this member before it goes out",
         lambda f: f.author is not None and f.author.settings.read_next),
    Rule("moderate-member", _H, "a moderator reads this member's posts before they go out",
         lambda f: f.author is not None and f.author.settings.moderated),
    Rule(CONTENT, _H, f"{_CONTENT_SAYS}{{content}}",
         lambda f: bool(f.content.holds), needs="content_rules"),
    Rule("not-addressed", _H, "neither To nor Cc names the list", lambda f: not f.addressed),
    Rule("same-message-id", _H, "an earlier post with another text has the same Message-ID",
         lambda f: f.same_id_other_body),
    Rule(WHOLE_DIGEST, _H, "it answers a whole digest and does not say which post",
         lambda f: f.answers_digest),
    Rule("auto-generated", _H, "a program wrote it, not a person",
         lambda f: f.post.auto_submitted not in {"", "no"}),
    Rule("hard-to-read", _H, "it is built so that it cannot be read safely: {defects}",
         lambda f: bool(f.post.defects)),
    Rule("mail-command", _H, "it looks like a mail command that was sent to the list by mistake",
         lambda f: is_mail_command(f.post, f.mlist)),
    Rule("empty", _H, "it has no text and no attachment",
         lambda f: not f.post.has_text and not f.post.has_attachment),
    Rule("rate-author", _H, f"its author has sent more than {MAX_BY_AUTHOR} posts within an hour",
         lambda f: f.author_posts_last_hour >= MAX_BY_AUTHOR),
    Rule("rate-list", _H, f"the list has had more than {MAX_BY_LIST} posts within an hour",
         lambda f: f.list_posts_last_hour >= MAX_BY_LIST),
)  # fmt: skip

# What stands for the values in a table that is about no list and no post.
_NO_LIST = {"max_size": "`max_size`", "new_member_posts": "`new_member_posts`"}
_NO_POST = {
    "authorship": "…",
    "automatic": "it is an automatic reply",
    "content": "…",
    "defects": "too long, too deep, too many parts",
}


def refusal_values(mlist: MailingList, post: Post) -> dict[str, str]:
    """What a refusal names, by the words that stand for it in Rule.refusal."""
    values = _of_list(mlist) | _of_post(post, UNCHECKED)
    return {key: values[key] for key in ("address", "size", "max_size")}


def decide(facts: Facts, rules: Sequence[Rule] = RULES) -> Decision:
    """The verdict on one post for one list, with every hold reason or the one that is final."""
    holds: list[Reason] = []
    settings, required = facts.mlist.settings, facts.require_proven_author
    for rule in rules:
        # In this order: very few apply.
        if not rule.applies(facts):
            continue
        if not rule.in_force(settings, require_proven_author=required):
            continue
        values = _of_list(facts.mlist) | _of_post(facts.post, facts.authorship)
        values["content"] = "; ".join(facts.content.holds)
        reason = Reason(rule.name, rule.because.format_map(values))
        if rule.verdict is not Verdict.HOLD:
            refusal = rule.refusal or ACCEPTED
            told = replace(refusal, text=refusal.text.format_map(values))
            return Decision(rule.verdict, (reason,), told, rule.keep)
        holds.append(reason)
    return Decision(Verdict.HOLD if holds else Verdict.ACCEPT, tuple(holds))


def in_words(reason: Reason) -> str:
    """A reason as a sentence in another language goes on with it: what an owner wrote, alone."""
    return reason.because.removeprefix(_CONTENT_SAYS)


def rules_table(mlist: MailingList | None, *, require_proven_author: bool = True) -> str:
    """The rules in Markdown: of one list, those that the settings put in force, with its values;
    or all of them, with the settings on which they depend."""
    if mlist is None:
        title, values, rules = "Posting rules", _NO_LIST, RULES
    else:
        title, values = f"Posting rules of {mlist.address}", _of_list(mlist)
        proof = require_proven_author
        rules = tuple(
            rule for rule in RULES if rule.in_force(mlist.settings, require_proven_author=proof)
        )
    rows = [("rule", "verdict", "because") + (("with",) if mlist is None else ())]
    for rule in rules:
        row = (rule.name, str(rule.verdict), rule.because.format_map(values | _NO_POST))
        rows.append(row + ((_shown(rule),) if mlist is None else ()))
    return f"# {title}\n\n{_HOW_TO_READ}\n{markdown(rows)}"


_HOW_TO_READ = """\
Read from top to bottom. The first rule that applies and says reject or discard decides.
Otherwise the post is held for every reason that applies, or goes out when there is none.
"""


def _of_list(mlist: MailingList) -> dict[str, str]:
    return {
        "address": mlist.address,
        "max_size": _as_size(mlist.settings.max_size),
        "new_member_posts": str(mlist.settings.new_member_posts),
    }


def _of_post(post: Post, authorship: Authorship) -> dict[str, str]:
    return {
        "authorship": "; ".join(authorship.reasons),
        "size": _as_size(post.size, up=True),
        "automatic": post.automatic,
        "defects": "; ".join(post.defects),
    }


def _as_size(size: int, *, up: bool = False) -> str:
    """A size in bytes as people say it. Limits are rounded down and posts `up`, so that a post one
    byte too large never has the size that the list takes."""
    unit, step, name = (MEGABYTE, 10, "MB") if size >= MEGABYTE else (_KILOBYTE, 1, "kB")
    steps = -(-size * step // unit) if up else size * step // unit
    return f"{steps / step:g} {name}"


def _shown(rule: Rule) -> str:
    settings = [f"{key}={' or '.join(values)}" for key, values in rule.where.items()]
    if rule.needs:
        settings.append(f"{rule.needs}=…")
    if rule.needs_proof:
        settings.append("auth.require_proven_author=true")
    return ", ".join(f"`{setting}`" for setting in settings)
