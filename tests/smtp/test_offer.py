"""What EHLO announced, as aiosmtplib parses it."""

import pytest

from listserv.smtp.offer import Offer


@pytest.mark.parametrize(
    ("extensions", "expected"),
    [
        ({}, Offer()),
        ({"pipelining": "", "8bitmime": "", "smtputf8": ""}, Offer(True, True, True)),
        ({"size": "1000"}, Offer(size=1000)),
        ({"size": "0"}, Offer()),
        ({"size": ""}, Offer()),
        ({"size": "9" * 5000}, Offer()),
        ({"size": "\N{ARABIC-INDIC DIGIT ONE}"}, Offer()),
        ({"limits": "RCPTMAX=7 MAILMAX=3"}, Offer(max_recipients=7, max_transactions=3)),
        ({"limits": "rcptmax=7"}, Offer(max_recipients=7)),
        ({"limits": "RCPTMAX=500"}, Offer(max_recipients=100)),
        ({"limits": "RCPTMAX=0 MAILMAX=x RCPTDOMAINMAX"}, Offer()),
    ],
)
def test_an_offer(extensions: dict[str, str], expected: Offer) -> None:
    assert Offer.read(extensions, 100) == expected


def test_at_least_one_recipient_goes() -> None:
    assert Offer.read({}, 0).max_recipients == 1
