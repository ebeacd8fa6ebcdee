"""A mail command that went to the list is recognised; a person's call for help never is."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listserv.policy.misdirected import LONGEST_LINE, SHORT, is_mail_command
from tests.policy.facts import a_list, a_post

# Clear as subject of a short mail and as its first line.
COMMANDS = """
unsubscribe
UNSUBSCRIBE
Unsubscribe.
unsubscribe!
"unsubscribe"
<unsubscribe>
[Support] unsubscribe
un-subscribe
unsub
unsubscribe support
unsubscribe SUPPORT-L
unsubscribe support@lists.example.org
unsubscribe <support@lists.example.org>
unsubscribe ann@example.org
unsubscribe me
Unsubscribe me, please
please unsubscribe
Please unsubscribe me from this list
please unsubscribe me from the support mailing list. Thank you!
Please, unsubscribe my email address from this group
Pls unsubscribe thx
I want to unsubscribe
I would like to unsubscribe from this list please
I'd like to unsubscribe
how do I unsubscribe?
How can I unsubscribe from this mailing list?
Could you please unsubscribe me?
help me unsubscribe
signoff
SIGNOFF SUPPORT
SIG SUPPORT
signoff * (NETWIDE
sign off
sign-off support
please sign me off
Sign me off this list
opt out
opt-out
opt me out of this list
remove me
Remove me.
please remove me
Please remove me from this list
remove me from your mailing list immediately
Remove ann@example.org from the list
remove my address from this list
please take me off this list
take me off the support list please
delete me from the group
stop sending me emails
stop mail
please stop these e-mails
subscribe
subscribe support
SUB SUPPORT Ann Lee
subscribe support Ann B. Lee
subscribe me
subscribe me to this list
subscribe ann@example.org
SET support DIGEST
set support nomail
SET * NOMAIL
set SUPPORT-L nomail
set support digests
set support mail, html, nodigest
set support repro noack
QUIET SET support nomail
set support topics: all
set digest
set nomail
set delivery off
set digest plain
SET support DIGEST AT 7 PM
set support digest mon thu at 19:30
digest at 7 p.m.
set digest weekly
timezone Europe/Berlin
TIMEZONE support America/New_York
nomail
ADD support bob@example.net Bob
quiet delete support bob@example.net
confirm 2e4a5b3c
OK 2E4A5B3C
"""

# The whole mail: (subject, the only line).
WHOLE_MAILS = [
    ("help", ""),
    ("Help", "help"),
    ("", "help"),
    ("(no subject)", "HELP"),
    ("", "help support"),
    ("Support", "help"),
    ("support@lists.example.org", "leave support"),
    ("leave", ""),
    ("join", ""),
    ("stop", "stop"),
    ("info", "info support"),
    ("", "query support"),
    ("query *", ""),
    ("who", "who"),
    ("", "REVIEW support"),
    ("digest", ""),
    ("lists", "end"),
]

# (subject, first line, lines)
NO_COMMANDS = [
    ("My port is infected", "Since Friday it is red and hot.", 4),
    ("Help! My port is infected", "What can I do?", 1),
    ("Help", "My port is infected.", 1),
    ("Help!", "My port is infected, and nobody answers.", 2),
    ("HELP", "", 0, "with a photo"),
    ("My port is infected", "Help!", 1),
    ("My port is infected", "help", 1),
    ("", "Help", 2),
    ("", "Help!", 1),
    ("help", "Does anybody know a good dentist?", 1),
    ("help please", "", 0),
    ("help support", "we meet on Friday", 1),
    ("Help support our walk on Sunday", "", 0),
    ("support", "thank you all", 1),
    ("support us", "", 0),
    ("Join us on Sunday", "", 0),
    ("Leave", "I am on leave until Monday.", 1),
    ("Leave of absence", "", 0),
    ("Stop smoking", "How did you do it?", 1),
    ("Info about the new drug", "", 0),
    ("Re: digestion", "Mine too.", 1),
    ("mail order pharmacies", "Which one do you use?", 1),
    ("Re: chemo", "Confirmed.", 1),
    ("Re: chemo", "OK 2", 1),
    ("Re: chemo", "ok, see you at 12", 1),
    ("Re: your question", "Yes", 1),
    ("unsubscribe", "Six or more lines say more than a command does.", SHORT + 1),
    ("Why does the unsubscribe link go to spam?", "See subject.", 1),
    ("Re: unsubscribe", "Ann, please write to the owner.", 1),
    ("I nearly wanted to unsubscribe because of all the spam", "Sorry.", 1),
    ("sign off this form for the hospital", "Who may do that?", 1),
    ("Set your alarm", "and take the pills", 2),
    ("set point theory", "any experience?", 1),
    ("Set the alarm at 7", "", 0),
    ("set alarm at 7 pm", "", 0),
    ("Digest at your own pace", "", 0),
    ("Time zones and pills", "How do you travel?", 1),
    ("Remove me from the transplant waiting list?", "The doctor asked me today.", 3),
    ("Remove the port", "or keep it?", 1),
    ("Take me out to the ball game", "la la", 2),
    ("take off", "my plane leaves", 2),
    ("subscribe to a newspaper for patients", "I recommend it.", 1),
    ("Subscriber of the year", "", 0),
    ("stop the mail order", "", 0),
    ("", "", 0),
    ("unsubscribe " + "x" * LONGEST_LINE, "", 0),
]


CURLY = ["\u201cunsubscribe\u201d", "I\u2019d like to unsubscribe"]


@pytest.mark.parametrize("line", [*COMMANDS.strip().splitlines(), *CURLY])
def test_a_clear_command_is_recognised_as_subject_and_as_first_line(line: str) -> None:
    mlist = a_list()
    as_subject = a_post(subject=line, first_line="Thank you, Ann", text_lines=SHORT)
    as_first_line = a_post(subject="Re: My port", first_line=line, text_lines=SHORT)
    assert is_mail_command(as_subject, mlist)
    assert is_mail_command(as_first_line, mlist)


@pytest.mark.parametrize("line", COMMANDS.strip().splitlines())
def test_in_a_longer_mail_the_same_words_are_a_persons(line: str) -> None:
    post = a_post(subject=line, first_line=line, text_lines=SHORT + 1)
    assert not is_mail_command(post, a_list())


@pytest.mark.parametrize(("subject", "line"), WHOLE_MAILS)
def test_a_plain_english_word_is_a_command_when_the_mail_says_nothing_else(
    subject: str, line: str
) -> None:
    post = a_post(subject=subject, first_line=line, text_lines=1 if line else 0)
    assert is_mail_command(post, a_list())
    assert not is_mail_command(
        a_post(subject=subject, first_line=line or "and more", text_lines=2), a_list()
    )


@pytest.mark.parametrize("mail", NO_COMMANDS, ids=lambda mail: " / ".join(mail[:2])[:60])
def test_a_post_is_no_command(mail: tuple[str, str, int]) -> None:
    subject, line, lines = mail[:3]
    post = a_post(subject=subject, first_line=line, text_lines=lines, has_attachment=len(mail) > 3)
    assert not is_mail_command(post, a_list())


LETTERS = st.one_of(
    st.text(max_size=300),
    st.lists(
        st.sampled_from(
            "please unsubscribe set support mail , me from the list off of * [ ]".split()
        ),
        max_size=60,
    ).map(" ".join),
)


@given(subject=LETTERS, line=LETTERS, lines=st.integers(0, 10))
def test_any_text_is_a_command_or_none(subject: str, line: str, lines: int) -> None:
    post = a_post(subject=subject, first_line=line, text_lines=lines)
    assert is_mail_command(post, a_list()) in {True, False}


HOSTILE_LINES = [
    "please " * 15,
    "i want to " * 10,
    "set x " + "mail, " * 16,
    "set x mail" + ",mail" * 18,
    "unsubscribe " + "from the list " * 7,
    "unsubscribe " + "," * 88,
    "a@" * 50,
    "[" * 100_000,
    "[" + "]" * 100_000,
    " " * 100_000,
    "stop" + " please" * 13,
    "quiet add support a@b" + "." * 70,
]


@pytest.mark.parametrize("line", HOSTILE_LINES, ids=range(len(HOSTILE_LINES)))
def test_a_hostile_line_is_judged_at_once(line: str) -> None:
    began = time.process_time()
    is_mail_command(a_post(subject=line, first_line=line + "?x", text_lines=1), a_list())
    assert time.process_time() - began < 0.5
