"""Whether a copy's From is the list, or may stay the author's. Where it may, it stays only in a
copy that passes DMARC by a signature of the author's own domain: mail/outgoing.py sees to that."""

from listserv.domain.lists import ListSettings
from listserv.domain.post import Post

# Providers that treat mail in their users' names more strictly than their record says.
STRICTER = frozenset({"gmail.com", "googlemail.com"})


def keeps_from(settings: ListSettings, post: Post, dmarc: str) -> bool:
    """Whether the author's From may stay. `dmarc` is the policy that their domain publishes; also
    one that is only tested (t=y) is a reason to rewrite, and so is a From without one author or
    with an address for a name, which filters take for a trick."""
    return (
        settings.from_rewrite == "policy"
        and post.author is not None
        and "@" not in post.author.name
        and dmarc == "none"
        and post.author.address.domain not in STRICTER
    )


def why_not(settings: ListSettings) -> str:
    """Why a list with these settings cannot keep its authors' From, or ""."""
    changed = [key for key in ("subject_prefix", "footer") if getattr(settings, key)]
    if settings.from_rewrite != "policy" or not changed:
        return ""
    return (
        f"from_rewrite=policy keeps the author's From and signature, and {' and '.join(changed)} "
        f"would break them: set {' '.join(f'{key}=' for key in changed)} or from_rewrite=always"
    )
