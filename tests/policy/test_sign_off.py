"""What of a moderator's words is for the author, and what stands below them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listserv.policy.sign_off import without_sign_off

REASON = "It is an advert."
LAWYER = (
    "This e-mail and any attachments are confidential and intended solely for the use of the"
    " individual to whom they are addressed."
)
# What stands below the reason, in lines; none of it goes to the author.
BELOW = (
    "Best regards|Dr. Mo", "Kind regards, Dr. Mo Miller", "kind regards|mo", "Regards",
    "Cheers, mo",
    "With best wishes,|Mo Miller|Moderator", "Yours sincerely|M. Miller", "Thanks!", "Thanks,|Mo",
    "Thank you|Mo Miller|Hospital for All", "Best,|Mo", "Best, Mo", "All the best|Mo", "Cheers",
    "Mit freundlichen Grüßen|Dr. Petra Groß", "Mit freundlichen Gruessen", "Viele Grüße Petra",
    "Liebe Grüße, Petra", "Herzliche Grüße|P.", "Beste Grüße", "MfG", "LG Petra", "VG",
    "Gruß|Petra", "Danke|Petra", "Vielen Dank!",
    "Cordialement,|Jean de la Tour", "Bien à vous|J.", "Merci, Jean",
    "Sincères salutations", "Un saludo|Ana", "Saludos cordiales", "Gracias,|Ana", "Atentamente|Ana",
    "Cordiali saluti|Carla", "Met vriendelijke groeten|Jan van der Berg",
    "Dr. Mo Miller|Tel. +49 30 1234567", "Mo Miller, MD|St Mary's Hospital|Phone: (020) 7946 0018",
    "Mo Miller|+1 555-010-9999|https://hospital.example", "Petra Groß|Mobil 0171/2345678",
    LAWYER, LAWYER[:60] + "|" + LAWYER[60:], f"Mo Miller|M: +44 7700 900123||{LAWYER}",
    "Diese E-Mail enthält vertrauliche und/oder rechtlich geschützte Informationen und ist nur für"
    " den Empfänger bestimmt.",
    "Ce message et toutes les pièces jointes sont confidentiels et établis à l'intention exclusive"
    " de ses destinataires.",
    "Este mensaje y sus archivos adjuntos son confidenciales y van dirigidos exclusivamente a su"
    " destinatario.",
)  # fmt: skip
# Reasons that begin or end as greetings do; all of it goes to the author.
STAYS = (
    "Thanks for your post, but it is an advert.", "Best practice is to leave out the name.",
    "Thank you for writing.||We cannot publish it.", "Thanks!||We do not take adverts, though.",
    "Regards of other members go to them alone.", "Love is not our subject.", "Yours is the third.",
    "Please write to|support@example.org", "Look here:||https://example.org/rules",
    "Call this number:|116 123", "The crisis line is||116 123", "It names|Ann Miller|of Leeds",
    "This message is confidential, it names a patient.", "Cheers are for the pub, not for us.",
    "First.||Second.||Third.", "Danke für den Beitrag, er ist aber Werbung.",
    "Best leave out|Mo's name.", "Merci de relire nos règles.", "Gracias por escribir.",
    "Kind people may be offended.", "Please call|us on 020 7946 0018 first.", "",
)  # fmt: skip


def lines(text: str) -> list[str]:
    return text.split("|") if text else []


@pytest.mark.parametrize("below", BELOW)
@pytest.mark.parametrize("reason", [REASON, f"{REASON}||Please see our rules."])
def test_what_stands_below_a_reason_is_left_out(reason: str, below: str) -> None:
    assert without_sign_off(lines(f"{reason}||{below}")) == lines(reason)


@pytest.mark.parametrize("below", [text for text in BELOW if "regards" in text or "Grü" in text])
def test_a_greeting_needs_no_blank_line(below: str) -> None:
    assert without_sign_off(lines(f"{REASON}|{below}")) == [REASON]


@pytest.mark.parametrize("reason", STAYS)
def test_a_reason_stays_whole(reason: str) -> None:
    assert without_sign_off(lines(reason)) == lines(reason)
    assert without_sign_off(lines(f"{REASON}||{reason}")) == lines(
        f"{REASON}||{reason}" if reason else REASON
    )


@given(st.lists(st.text(st.characters(exclude_categories=["Cc", "Zs"]), max_size=40), max_size=8))
def test_it_is_a_beginning_of_any_lines(given: list[str]) -> None:
    found = without_sign_off(given)
    assert found == given[: len(found)]
    assert not found or found[-1]
