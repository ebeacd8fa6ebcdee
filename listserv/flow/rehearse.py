"""What a list's content rules would have done with the posts that it has: `rules LIST --test`."""

from collections import Counter
from dataclasses import dataclass

from listserv.domain.decision import Verdict
from listserv.domain.lists import MailingList
from listserv.flow.facts import author_of
from listserv.mail.parse import parse
from listserv.mail.searched import wording
from listserv.policy.content_rules import ContentRules, Findings, search
from listserv.policy.posting import is_new
from listserv.store import posts
from listserv.store.posts import StoredPost
from listserv.store.session import Tx

# So many posts are looked at, the newest.
MOST = 500


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """A post, and what the rules find in it; None when its bytes are gone."""

    post: StoredPost
    findings: Findings | None


class Rehearsal:
    """The rules tried on one post after another, the newest first: so who was new when a post came
    is counted as new."""

    def __init__(self, mlist: MailingList, rules: ContentRules) -> None:
        self._mlist = mlist
        self._rules = rules
        self._later: Counter[int] = Counter()  # by member: posts of theirs that went out since

    def look(self, tx: Tx, post_id: int) -> Rehearsed:
        """What the rules find in one post."""
        stored = posts.get(tx, post_id)
        author = author_of(tx, stored)
        before = 0
        if author is not None:
            self._later[author.id] += stored.verdict is Verdict.ACCEPT
            before = author.posts - self._later[author.id]
        raw = posts.raw(tx, post_id)
        if raw is None:
            return Rehearsed(stored, None)
        new = is_new(author, before, self._mlist)
        return Rehearsed(stored, search(self._rules, wording(raw, parse(raw)), is_new=new))
