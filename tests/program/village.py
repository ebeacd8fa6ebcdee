"""A running server with lists that have pages, people who write to it by SMTP, and their
mailboxes."""

import smtplib
from collections.abc import Sequence
from email.message import Message
from itertools import count
from pathlib import Path

from listserv.flow import administer, enrol
from listserv.flow.due_digests import Ask
from listserv.store.session import Tx
from listserv.workers import digests
from tests.program.crawler import links, urls
from tests.program.running import DOMAIN, PATIENCE, Running

# A proxy in front of us speaks TLS; what it passes on comes here.
URL = f"https://{DOMAIN}"
TOWN = f"town@{DOMAIN}"
PEOPLE = {
    "ann@example.org": {"name": "Ann", "role": "owner"},
    "ben@example.net": {"name": "Ben"},
    "cleo@example.net": {"name": "Cleo", "delivery": "digest"},
}
# Titles are as long, foreign and rude to HTML as those that people really give.
LISTS = {
    "town": {
        "title": 'Living with <Pulmonary Hypertension> & "Courage"', "advertised": "yes",
        "description": "For all who live with it, and for who looks after them.",
    },
    "dorf": {
        "title": "Lungenhochdruckselbsthilfegruppe für Angehörige", "advertised": "yes",
        "description": "Für alle, die damit leben, und für alle, die für sie sorgen.",
        "language": "de", "one_click": "pause",
    },
    "circle": {"title": "Circle", "advertised": "yes", "subscription": "approve"},
}  # fmt: skip


class Village:
    """`running` is the server; `folder` an empty one for what it keeps."""

    def __init__(self, folder: Path) -> None:
        self.running = Running(folder, URL)
        self._numbers = count(1)
        self._ids: dict[str, int] = {}
        self._seen: set[Path] = set()
        self._mail: list[Message] = []
        try:
            self.running.app.store.write(self._set_up)
        except BaseException:
            self.running.close()
            raise

    def _set_up(self, tx: Tx) -> None:
        now = self.running.app.clock.now()
        for name, settings in LISTS.items():
            mlist = administer.create_list(
                tx, f"{name}@{DOMAIN}", domains={DOMAIN}, style="discussion", settings=settings,
                owners=(), by="test", now=now,
            )  # fmt: skip
            # Half a day away, so that none is due while somebody looks.
            hour = str((now.hour + 12) % 24)
            for address, member in PEOPLE.items():
                enrol.add_members(
                    tx, mlist.id, [address], domains={DOMAIN}, by="test",
                    settings={**member, "digest_hour": hour, "timezone": "UTC"}, now=now,
                )  # fmt: skip
            self._ids[name] = mlist.id

    def close(self) -> None:
        self.running.close()

    def writes(self, author: str, to: str, subject: str = "", text: str = "") -> None:
        """Somebody sends a mail."""
        assert self.running.smtp is not None
        number = next(self._numbers)
        mail = (
            f"From: {author}\r\nTo: {to}\r\nSubject: {subject}\r\n"
            f"Message-ID: <{number}@example.net>\r\n\r\n{text}\r\n"
        )
        with smtplib.SMTP("127.0.0.1", self.running.smtp, "client.example", PATIENCE) as client:
            client.sendmail(author, [to], mail.encode())

    def sends_digests(self) -> None:
        """Whoever reads a digest of the town gets one; of all who read one it is then known when
        the next is due, so that the server has nothing to do about them for hours."""
        app = self.running.app
        digests.send_now(app.store, app.site, self._ids["town"], Ask.ALL, app.clock.now())
        while digests.turn(app.store, app.site, app.clock):
            pass

    @property
    def mail(self) -> Sequence[Message]:
        """All that has been sent, once nothing is under way any more."""
        self._mail += self.running.new_mail(self._seen)
        return self._mail

    def mail_to(self, address: str) -> Sequence[Message]:
        """What has come into a mailbox."""
        return [mail for mail in self.mail if mail["Delivered-To"] == address]

    def link(self, address: str, path: str) -> str:
        """The URL below `path` in the newest mail that came to somebody with one."""
        found = [url for mail in self.mail_to(address) for url in links(mail)]
        return [url for url in found if url.startswith(f"{URL}{path}")][-1]

    def link_beside(self, words: str, address: str) -> str:
        """The URL on the line with these words in the newest mail that came to somebody."""
        text = self.mail_to(address)[-1].get_payload(decode=True)
        assert isinstance(text, bytes)
        (line,) = [line for line in text.decode().splitlines() if words in line]
        return urls(line)[-1]

    def here(self, url: str) -> str:
        """A URL of ours without the proxy."""
        assert url.startswith(f"{URL}/"), url
        return f"http://127.0.0.1:{self.running.web}{url.removeprefix(URL)}"
