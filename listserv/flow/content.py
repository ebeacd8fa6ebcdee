"""What a list's content rules find in a post that no final rule has decided about."""

import logging
from dataclasses import replace

from listserv.domain.decision import Decision, Verdict
from listserv.flow.site import Site
from listserv.mail.searched import wording
from listserv.policy.content_rules import REGEX_SECONDS, Findings, search
from listserv.policy.posting import Facts, decide, is_new

log = logging.getLogger("listserv.rules")

_OPEN = {Verdict.ACCEPT, Verdict.HOLD}


def decided(site: Site, facts: Facts, raw: bytes) -> tuple[Facts, Decision]:
    """The decision about a post of a list with content rules, and the facts with what they find."""
    decision = decide(facts)
    if decision.verdict not in _OPEN:
        return facts, decision
    facts = replace(facts, content=_found(site, facts, raw))
    return facts, decide(facts)


def _found(site: Site, facts: Facts, raw: bytes) -> Findings:
    mlist, author = facts.mlist, facts.author
    name = mlist.settings.content_rules
    rules = site.rule_files.current(name)
    if rules is None:
        return Findings(unreadable=True)
    new = is_new(author, author.posts if author else 0, mlist)
    found = search(rules, wording(raw, facts.post), is_new=new)
    for rule in found.slow:
        if site.rule_files.is_news(name, rule):
            log.error(
                "content rules of %s: %s: the rule in line %d takes longer than %.1f s for a post"
                " and found nothing there; make its regular expression simpler",
                mlist.address, name, rule.line, REGEX_SECONDS,
            )  # fmt: skip
    return found
