"""What stands around the posts of a digest: its subject, the contents, and how to change it. The
words are the templates member-digest.txt and member-digest.html."""

from collections.abc import Sequence
from dataclasses import dataclass

from listserv.mail.digest_body import in_short
from listserv.mail.issue import Issue, Words
from listserv.mail.threads import Conversation

TEMPLATE = "member-digest"
LONGEST_TITLE = 200
# Authors of a conversation that its line in the contents names, where there are several more.
NAMED = 3
_LONGEST_NAME = 40


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the contents: `count` posts by `names` and so many `more`; `anchor` is where they
    are on the page."""

    title: str
    count: int
    names: tuple[str, ...]
    more: int
    anchor: str


@dataclass(frozen=True, slots=True)
class Frame:
    """Of one issue. `part` in the methods is its number of how many."""

    issue: Issue
    words: Words
    threads: Sequence[Conversation]

    def title(self, number: int) -> str:
        """Of a conversation, never empty."""
        title = in_short(self.threads[number].title, LONGEST_TITLE)
        return title or self.words.phrase("item.untitled")

    def row(self, number: int) -> Row:
        thread = self.threads[number]
        names = tuple(dict.fromkeys(in_short(item.author, _LONGEST_NAME) for item in thread.items))
        named = names if len(names) <= NAMED + 1 else names[:NAMED]
        more = len(names) - len(named)
        return Row(self.title(number), len(thread.items), named, more, anchor(number))

    def longest_row(self) -> Row:
        """With no words of an author's in it."""
        posts = len(self.issue.items)
        return Row("", posts, ("",) * (NAMED + 1), posts, anchor(len(self.threads)))

    def text(self, rows: Sequence[Row], posts: str, part: tuple[int, int]) -> tuple[str, str]:
        """Subject and text of a part."""
        rendered = self.words.render(f"{TEMPLATE}.txt", **self._values(rows, posts, part))
        head, _, text = rendered.partition("\n\n")
        return " ".join(head.removeprefix("Subject:").split()), text.strip("\n")

    def page(self, rows: Sequence[Row], posts: str, part: tuple[int, int]) -> str:
        return self.words.render(f"{TEMPLATE}.html", **self._values(rows, posts, part))

    def _values(self, rows: Sequence[Row], posts: str, part: tuple[int, int]) -> dict[str, object]:
        issue = self.issue
        renderings = [item.rendering for item in issue.items if item.rendering]
        return {
            "title": in_short(issue.title, LONGEST_TITLE),
            "total": len(issue.items),
            "conversations": len(self.threads),
            "day": issue.day,
            "date": self.words.date(issue.day),
            "part": part[0],
            "parts": part[1],
            "rows": rows,
            "posts": posts,
            "post": issue.post,
            "request": issue.request,
            "leave": issue.leave,
            "attached": issue.format != "mime" and any(one.attachments for one in renderings),
        }


def anchor(number: int) -> str:
    """Of conversation `number`."""
    return f"c{number + 1}"
