"""An issue of a digest -> the mails that it is sent as.

The posts are put into conversations (threads.py), each post becomes paragraphs (digest_body.py),
and every paragraph a piece of text and of HTML (digest_text.py, digest_html.py). Then the pieces
are laid out over parts by their sizes (digest_parts.py) and joined inside a frame
(digest_frame.py). For the format mime the messages themselves are (digest_messages.py).
"""

import html
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count

from listserv.mail import digest_html as page
from listserv.mail import digest_text as plain
from listserv.mail.digest_body import goes_on, paragraphs
from listserv.mail.digest_frame import Frame, Row
from listserv.mail.digest_messages import message_parts
from listserv.mail.digest_mime import alternative, text_entity, versioned
from listserv.mail.digest_parts import MAX_HTML, MAX_TEXT, Post, Size, Slice, laid_out
from listserv.mail.issue import Issue, Item, Part, Place, Words
from listserv.mail.threads import bare_title, conversations, is_answer, original_of, originals

__all__ = ["Issue", "Item", "Part", "Words", "build"]

# Of a part, for the figures and words that are not known before it is laid out.
_SLACK = 500
# The number of a part, as long as any.
_MANY = 9999


def build(issue: Issue, words: Words) -> tuple[Part, ...]:
    """The parts of an issue that has at least one item, each below the limits of digest_parts.py.
    Raises ValueError for a format that is none."""
    frame = Frame(issue, words, conversations(issue.items, issue.prefix))
    if issue.format == "mime":
        return message_parts(frame)
    if issue.format not in {"text", "html"}:
        raise ValueError(f"{issue.format!r} is no format of a digest")
    texts = _Texts(frame, _posts(frame), issue.format == "html")
    parts = texts.laid_out()
    return tuple(texts.part(slices, (n, len(parts))) for n, slices in enumerate(parts, 1))


@dataclass(frozen=True, slots=True)
class _Post:
    """A post in pieces. `title` is its subject without reply marks, `own_title` says that it is not
    that of its conversation; `pieces` are (text, HTML), "" for what is not asked for."""

    item: Item
    place: Place
    title: str
    own_title: bool
    pieces: tuple[tuple[str, str], ...]

    def text(self, words: Words, start: int, end: int, following: int) -> str:
        """pieces[start:end]; where there are more, `following` is the part that they are in."""
        head = plain.item_head(self.item, self.place, continued=start > 0, words=words)
        pieces = [text for text, _ in self.pieces[start:end]]
        if end < len(self.pieces):
            pieces.append(plain.paragraph_text(goes_on(following, words)))
        return "\n\n".join([head, *pieces, plain.item_tail(self.item, words)])

    def page(self, words: Words, start: int, end: int, following: int) -> str:
        """The same."""
        subject = self.title if self.own_title else ""
        head = page.item_head(self.item, self.place, subject, continued=start > 0, words=words)
        pieces = [markup for _, markup in self.pieces[start:end]]
        if end < len(self.pieces):
            pieces.append(page.paragraph_html(goes_on(following, words)))
        return "\n".join([head, *pieces, page.item_tail(self.item, self.title, words)])


def _posts(frame: Frame) -> list[list[_Post]]:
    """By conversation, in the order of reading."""
    issue, words, number = frame.issue, frame.words, count(1)
    with_page = issue.format == "html"
    posts: list[list[_Post]] = []
    texts = originals(issue.items)
    for thread in frame.threads:
        posts.append([])
        for item in thread.items:
            title = bare_title(item.subject, issue.prefix)
            answer = is_answer(item, issue.prefix)
            said = paragraphs(
                item, words, answer=answer, footer=issue.footer, original=original_of(item, texts)
            )
            pieces = tuple(
                (plain.paragraph_text(one), page.paragraph_html(one) if with_page else "")
                for one in said
            )
            own = title.casefold() != thread.title.casefold()
            place = Place(next(number), len(issue.items))
            posts[-1].append(_Post(item, place, title, own, pieces))
    return posts


@dataclass(frozen=True, slots=True)
class _Texts:
    """The formats text and html."""

    frame: Frame
    posts: Sequence[Sequence[_Post]]
    with_page: bool

    def laid_out(self) -> list[list[Slice]]:
        # A page of one conversation has no contents: what a line takes is seen from two on.
        row = self.frame.longest_row()
        frame, longer = self._frame_size([row] * 2), self._frame_size([row] * 3)
        room = Size(MAX_TEXT - frame.text - _SLACK, MAX_HTML - frame.html - _SLACK)
        in_contents = Size(longer.text - frame.text, longer.html - frame.html)
        return laid_out(
            (
                (
                    in_contents + self._heading_size(number),
                    [self._post_size(post) for post in posts],
                )
                for number, posts in enumerate(self.posts)
            ),
            room,
        )

    def _frame_size(self, rows: Sequence[Row]) -> Size:
        markup = self.frame.page(rows, "", (1, 1)) if self.with_page else ""
        return _size(self.frame.text(rows, "", (1, 1))[1], markup)

    def _heading_size(self, number: int) -> Size:
        """Of a conversation: its words in the contents, and its heading among the posts."""
        row = self.frame.row(number)
        said = "".join([row.title, *row.names])
        in_contents = _size(said, html.escape(said))
        return in_contents + _size("", page.conversation_head(row.title, row.anchor))

    def _post_size(self, post: _Post) -> Post:
        words = self.frame.words
        markup = post.page(words, 0, 0, _MANY) if self.with_page else ""
        around = _size(post.text(words, 0, 0, _MANY) + f"\n\n{plain.POST_ENDS}\n\n", markup)
        return Post(around, tuple(_size(*piece) for piece in post.pieces))

    def part(self, slices: Sequence[Slice], part: tuple[int, int]) -> Part:
        words = self.frame.words
        texts: list[str] = []
        markup: list[str] = []
        rows: list[Row] = []
        for piece in slices:
            post = self.posts[piece.conversation][piece.post]
            row = self.frame.row(piece.conversation)
            if row not in rows[-1:]:
                rows.append(row)
                markup.append(page.conversation_head(row.title, row.anchor))
            texts.append(post.text(words, piece.start, piece.end, part[0] + 1))
            if self.with_page:
                markup.append(post.page(words, piece.start, piece.end, part[0] + 1))
        posts = plain.posts_text(texts, self.frame.issue.title)
        subject, text = self.frame.text(rows, posts, part)
        if self.with_page:
            entity = alternative(text, self.frame.page(rows, "\n".join(markup), part))
        else:
            entity = text_entity("plain", text)
        numbers = [self.posts[piece.conversation][piece.post].item.number for piece in slices]
        return Part(subject, *versioned(entity), tuple(numbers))


def _size(text: str, markup: str) -> Size:
    return Size(_octets(text), _octets(markup))


def _octets(text: str) -> int:
    """Of a piece on a line of its own, with CR LF and an empty line behind it."""
    return len(text.encode("utf-8")) + text.count("\n") + 4
