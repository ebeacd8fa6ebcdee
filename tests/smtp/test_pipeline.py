"""The transaction machine: replies in, commands out, and never a guess."""

from collections import Counter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listserv.domain.mailing import Fate
from listserv.domain.transaction import (
    Closed,
    Event,
    Settled,
    Stage,
    Transaction,
    Unfinished,
)
from listserv.smtp.offer import Offer
from listserv.smtp.pipeline import Pipeline, Wait
from tests.smtp.peer import Peer, letter, play

DIALOGUES = {
    "with PIPELINING an envelope is one group, and the body waits for 354": """
        peer PIPELINING
        send A ann@x
        C: MAIL FROM:<A@l.example>
        C: RCPT TO:<ann@x>
        C: DATA
        S: 250 ok
        S: 250 ok
        S: 354 go on
        C: text of A
        C: .
        S: 250 2.0.0 queued as 1
        = A delivered ann@x (final dot): 250 2.0.0 queued as 1""",
    "the next envelope goes with the last body": """
        peer PIPELINING
        send A ann@x
        C: MAIL FROM:<A@l.example>
        C: RCPT TO:<ann@x>
        C: DATA
        send B bob@x
        S: 250 ok
        S: 250 ok
        S: 354 go on
        C: text of A
        C: .
        C: MAIL FROM:<B@l.example>
        C: RCPT TO:<bob@x>
        C: DATA
        S: 250 taken
        S: 250 ok
        S: 250 ok
        S: 354 go on
        C: text of B
        C: .
        = A delivered ann@x (final dot): 250 taken
        S: 250 taken
        = B delivered bob@x (final dot): 250 taken""",
    "an envelope may follow a body later too": """
        peer PIPELINING
        send A ann@x
        C: MAIL FROM:<A@l.example>
        C: RCPT TO:<ann@x>
        C: DATA
        S: 250 ok
        S: 250 ok
        S: 354 go on
        C: text of A
        C: .
        send B bob@x
        C: MAIL FROM:<B@l.example>
        C: RCPT TO:<bob@x>
        C: DATA
        S: 250 taken
        = A delivered ann@x (final dot): 250 taken""",
    "without PIPELINING each command waits for its reply": """
        peer
        send A ann@x bob@x
        C: MAIL FROM:<A@l.example>
        send B joe@x
        S: 250 ok
        C: RCPT TO:<ann@x>
        S: 250 ok
        C: RCPT TO:<bob@x>
        S: 251 will forward
        C: DATA
        S: 354 go on
        C: text of A
        C: .
        S: 250 taken
        C: MAIL FROM:<B@l.example>
        = A delivered ann@x+bob@x (final dot): 250 taken""",
    "some recipients are refused, the others get it": """
        peer PIPELINING
        send A ann@x bob@x joe@x
        C: MAIL FROM:<A@l.example>
        C: RCPT TO:<ann@x>
        C: RCPT TO:<bob@x>
        C: RCPT TO:<joe@x>
        C: DATA
        S: 250 ok
        S: 550 5.1.1 no such user
        S: 250 ok
        S: 451 4.7.1 greylisted
        S: 354 go on
        C: text of A
        C: .
        = A failed ann@x (RCPT): 550 5.1.1 no such user
        = A deferred joe@x (RCPT): 451 4.7.1 greylisted
        S: 250 taken
        = A delivered bob@x (final dot): 250 taken""",
    "all recipients are refused: no body, and RSET before the next": """
        peer PIPELINING
        send A ann@x
        C: MAIL FROM:<A@l.example>
        C: RCPT TO:<ann@x>
        C: DATA
        S: 250 ok
        S: 550 5.1.1 no such user
        = A failed ann@x (RCPT): 550 5.1.1 no such user
        S: 554 5.5.1 no valid recipients
        send B bob@x
        C: RSET
        C: MAIL FROM:<B@l.example>
        C: RCPT TO:<bob@x>
        C: DATA
        S: 250 ok
        S: 250 ok
        S: 250 ok
        S: 354 go on
        C: text of B
        C: .""",
    "all recipients are refused, and 354 all the same: a lone dot (RFC 2920 3.1)": """
        peer PIPELINING
        send A ann@x
        C: MAIL FROM:<A@l.example>
        C: RCPT TO:<ann@x>
        C: DATA
        send B bob@x
        S: 250 ok
        S: 550 no
        S: 354 go on
        C: .
        C: RSET
        C: MAIL FROM:<B@l.example>
        C: RCPT TO:<bob@x>
        C: DATA
        = A failed ann@x (RCPT): 550 no
        S: 250 an empty message for nobody
        S: 250 ok
        S: 250 ok
        S: 250 ok
        S: 354 go on
        C: text of B
        C: .""",
    "all recipients are refused in lock-step: no DATA": """
        peer
        send A ann@x
        C: MAIL FROM:<A@l.example>
        S: 250 ok
        C: RCPT TO:<ann@x>
        send B bob@x
        S: 550 no
        C: RSET
        = A failed ann@x (RCPT): 550 no
        S: 250 ok
        C: MAIL FROM:<B@l.example>
        S: 250 ok
        C: RCPT TO:<bob@x>""",
    "a refusal of the sender is about us": """
        peer PIPELINING
        send A ann@x
        C: MAIL FROM:<A@l.example>
        C: RCPT TO:<ann@x>
        C: DATA
        send B bob@x
        S: 550 5.7.1 not from here
        = refused at first: 550 5.7.1 not from here
        = A unfinished ann@x
        = B unfinished bob@x
        S: 503 5.5.1 need MAIL
        S: 503 5.5.1 need RCPT
        send C joe@x
        C: RSET
        C: MAIL FROM:<C@l.example>
        C: RCPT TO:<joe@x>
        C: DATA""",
    "a refusal of the sender in lock-step ends the envelope": """
        peer
        send A ann@x bob@x
        C: MAIL FROM:<A@l.example>
        S: 554 5.7.1 no
        = refused at first: 554 5.7.1 no
        = A unfinished ann@x+bob@x
        send B joe@x
        C: RSET""",
    "a later refusal of a sender says that others were taken": """
        peer PIPELINING
        send A ann@x
        C: MAIL FROM:<A@l.example>
        C: RCPT TO:<ann@x>
        C: DATA
        send B bob@x
        S: 250 ok
        S: 250 ok
        S: 354 go on
        C: text of A
        C: .
        C: MAIL FROM:<B@l.example>
        C: RCPT TO:<bob@x>
        C: DATA
        S: 250 taken
        S: 421 4.7.0 enough for this connection
        = A delivered ann@x (final dot): 250 taken
        = refused: 421 4.7.0 enough for this connection
        = B unfinished bob@x (421)
        = closed at MAIL: 421 4.7.0 enough for this connection""",
    "a sender who is deferred": """
        peer PIPELINING
        send A ann@x bob@x
        C: MAIL FROM:<A@l.example>
        C: RCPT TO:<ann@x>
        C: RCPT TO:<bob@x>
        C: DATA
        S: 452 4.3.1 disk full
        = A deferred ann@x+bob@x (MAIL): 452 4.3.1 disk full
        S: 503 need MAIL
        S: 503 need MAIL
        S: 354 what?
        C: .
        S: 554 nothing
        send B joe@x
        C: RSET
        C: MAIL FROM:<B@l.example>
        C: RCPT TO:<joe@x>
        C: DATA""",
    "DATA is refused for now": """
        peer PIPELINING
        send A ann@x bob@x
        C: MAIL FROM:<A@l.example>
        C: RCPT TO:<ann@x>
        C: RCPT TO:<bob@x>
        C: DATA
        S: 250 ok
        S: 250 ok
        S: 550 no
        = A failed bob@x (RCPT): 550 no
        S: 451 4.3.0 later
        = A deferred ann@x (DATA): 451 4.3.0 later""",
    "DATA is refused in lock-step": """
        peer
        send A ann@x
        C: MAIL FROM:<A@l.example>
        S: 250 ok
        C: RCPT TO:<ann@x>
        S: 250 ok
        C: DATA
        send B bob@x
        S: 554 5.7.1 no
        C: RSET
        = A deferred ann@x (DATA): 554 5.7.1 no""",
    "the final dot is refused: nobody failed for it": """
        peer PIPELINING
        send A ann@x bob@x
        C: MAIL FROM:<A@l.example>
        C: RCPT TO:<ann@x>
        C: RCPT TO:<bob@x>
        C: DATA
        S: 250 ok
        S: 250 ok
        S: 250 ok
        S: 354 go on
        C: text of A
        C: .
        S: 554 5.7.1 spam
        = A deferred ann@x+bob@x (final dot): 554 5.7.1 spam
        send B joe@x
        C: MAIL FROM:<B@l.example>
        C: RCPT TO:<joe@x>
        C: DATA""",
    "LIMITS divide a transaction": """
        peer PIPELINING LIMITS=RCPTMAX=2
        send A ann@x bob@x joe@x
        C: MAIL FROM:<A@l.example>
        C: RCPT TO:<ann@x>
        C: RCPT TO:<bob@x>
        C: DATA
        S: 250 ok
        S: 250 ok
        S: 250 ok
        S: 354 go on
        C: text of A
        C: .
        C: MAIL FROM:<A@l.example>
        C: RCPT TO:<joe@x>
        C: DATA
        S: 250 taken
        S: 250 ok
        S: 550 no
        S: 554 nobody
        = A delivered ann@x+bob@x (final dot): 250 taken
        = A failed joe@x (RCPT): 550 no""",
    "too many recipients: the rest goes next, and the limit is known": """
        peer PIPELINING
        send A ann@x bob@x joe@x kim@x
        C: MAIL FROM:<A@l.example>
        C: RCPT TO:<ann@x>
        C: RCPT TO:<bob@x>
        C: RCPT TO:<joe@x>
        C: RCPT TO:<kim@x>
        C: DATA
        send B lea@x max@x
        S: 250 ok
        S: 250 ok
        S: 452 4.5.3 too many recipients
        S: 452 4.5.3 too many recipients
        S: 452 4.5.3 too many recipients
        S: 354 go on
        C: text of A
        C: .
        C: MAIL FROM:<A@l.example>
        C: RCPT TO:<bob@x>
        C: DATA
        S: 250 taken
        S: 250 ok
        S: 250 ok
        S: 354 go on
        C: text of A
        C: .
        C: MAIL FROM:<A@l.example>
        C: RCPT TO:<joe@x>
        C: DATA
        = A delivered ann@x (final dot): 250 taken""",
    "too many recipients in lock-step: the others are not even asked": """
        peer
        send A ann@x bob@x joe@x
        C: MAIL FROM:<A@l.example>
        S: 250 ok
        C: RCPT TO:<ann@x>
        S: 250 ok
        C: RCPT TO:<bob@x>
        S: 452 too many recipients
        C: DATA
        S: 354 go on
        C: text of A
        C: .
        S: 250 taken
        C: MAIL FROM:<A@l.example>
        = A delivered ann@x (final dot): 250 taken
        S: 250 ok
        C: RCPT TO:<bob@x>""",
    "too many, says the peer to the last recipient in lock-step": """
        peer
        send A ann@x bob@x
        C: MAIL FROM:<A@l.example>
        S: 250 ok
        C: RCPT TO:<ann@x>
        S: 250 ok
        C: RCPT TO:<bob@x>
        S: 552 too many recipients
        C: DATA
        S: 451 later
        C: RSET
        = A deferred ann@x (DATA): 451 later""",
    "one recipient is already too many: that is a deferral, not a loop": """
        peer
        send A ann@x bob@x
        C: MAIL FROM:<A@l.example>
        S: 250 ok
        C: RCPT TO:<ann@x>
        S: 452 4.5.3 no
        C: RCPT TO:<bob@x>
        S: 552 Too Many Recipients
        = A deferred ann@x (RCPT): 452 4.5.3 no
        = A deferred bob@x (RCPT): 552 Too Many Recipients""",
    "who was refused does not count as one too many": """
        peer PIPELINING
        send A ann@x bob@x joe@x
        C: MAIL FROM:<A@l.example>
        C: RCPT TO:<ann@x>
        C: RCPT TO:<bob@x>
        C: RCPT TO:<joe@x>
        C: DATA
        S: 250 ok
        S: 550 no
        S: 452 4.5.3 slowly
        S: 452 4.5.3 slowly
        S: 554 nobody
        C: RSET
        C: MAIL FROM:<A@l.example>
        C: RCPT TO:<bob@x>
        C: RCPT TO:<joe@x>
        C: DATA
        = A failed ann@x (RCPT): 550 no""",
    "421 at RCPT: nobody has an outcome": """
        peer PIPELINING
        send A ann@x bob@x
        C: MAIL FROM:<A@l.example>
        C: RCPT TO:<ann@x>
        C: RCPT TO:<bob@x>
        C: DATA
        send B joe@x
        S: 250 ok
        S: 250 ok
        S: 421 4.3.2 shutting down
        S: 250 too late
        = A unfinished ann@x+bob@x (421)
        = B unfinished joe@x (421)
        = closed at RCPT: 421 4.3.2 shutting down""",
    "421 at the final dot: certainly not taken": """
        peer PIPELINING
        send A ann@x
        C: MAIL FROM:<A@l.example>
        C: RCPT TO:<ann@x>
        C: DATA
        send B bob@x
        S: 250 ok
        S: 250 ok
        S: 354 go on
        C: text of A
        C: .
        C: MAIL FROM:<B@l.example>
        C: RCPT TO:<bob@x>
        C: DATA
        S: 421 4.7.0 throttled
        = A deferred ann@x (final dot): 421 4.7.0 throttled
        = B unfinished bob@x (421)
        = closed at final dot: 421 4.7.0 throttled""",
    "421 at DATA": """
        peer PIPELINING
        send A ann@x
        C: MAIL FROM:<A@l.example>
        C: RCPT TO:<ann@x>
        C: DATA
        S: 250 ok
        S: 250 ok
        S: 421-4.3.2 shutting
        S: 421 4.3.2 down
        = A unfinished ann@x (421)
        = closed at DATA: 421 4.3.2 shutting 4.3.2 down""",
    "421 at RSET": """
        peer PIPELINING
        send A ann@x
        C: MAIL FROM:<A@l.example>
        C: RCPT TO:<ann@x>
        C: DATA
        S: 250 ok
        S: 450 busy
        S: 554 nobody
        = A deferred ann@x (RCPT): 450 busy
        send B bob@x
        C: RSET
        C: MAIL FROM:<B@l.example>
        C: RCPT TO:<bob@x>
        C: DATA
        S: 421 bye
        = B unfinished bob@x (421)
        = closed: 421 bye""",
    "421 while nothing is asked": """
        peer PIPELINING
        S: 421 4.4.2 timeout
        = closed: 421 4.4.2 timeout
        send A ann@x
        = A unfinished ann@x""",
    "the connection is lost before the final dot": """
        peer PIPELINING
        send A ann@x bob@x joe@x
        C: MAIL FROM:<A@l.example>
        C: RCPT TO:<ann@x>
        C: RCPT TO:<bob@x>
        C: RCPT TO:<joe@x>
        C: DATA
        S: 250 ok
        S: 550 no
        S: 250 ok
        = A failed ann@x (RCPT): 550 no
        lost reset by peer
        = A unfinished bob@x+joe@x
        = closed: reset by peer
        lost once more
        quit""",
    "the connection is lost after the final dot": """
        peer PIPELINING
        send A ann@x bob@x
        C: MAIL FROM:<A@l.example>
        C: RCPT TO:<ann@x>
        C: RCPT TO:<bob@x>
        C: DATA
        send B joe@x
        S: 250 ok
        S: 250 ok
        S: 450 later
        S: 354 go on
        C: text of A
        C: .
        C: MAIL FROM:<B@l.example>
        C: RCPT TO:<joe@x>
        C: DATA
        = A deferred bob@x (RCPT): 450 later
        lost gone
        = A unfinished ann@x, dot written
        = B unfinished joe@x
        = closed: gone""",
    "the connection is lost while those too many wait": """
        peer PIPELINING
        send A ann@x bob@x
        C: MAIL FROM:<A@l.example>
        C: RCPT TO:<ann@x>
        C: RCPT TO:<bob@x>
        C: DATA
        S: 250 ok
        S: 250 ok
        S: 452 4.5.3 too many
        lost gone
        = A unfinished ann@x+bob@x
        = closed: gone""",
    "the connection is lost after a lone dot: that was nobody's": """
        peer PIPELINING
        send A ann@x
        C: MAIL FROM:<A@l.example>
        C: RCPT TO:<ann@x>
        C: DATA
        S: 250 ok
        S: 450 no
        S: 354 go on
        C: .
        = A deferred ann@x (RCPT): 450 no
        lost gone
        = closed: gone""",
    "a reply that nothing asked for": """
        peer PIPELINING
        S: 250 hello
        = closed: not a reply that can come here: 250 hello""",
    "a reply too many": """
        peer PIPELINING
        send A ann@x
        C: MAIL FROM:<A@l.example>
        C: RCPT TO:<ann@x>
        C: DATA
        S: 250 ok
        S: 550 no
        S: 554 nobody
        S: 250 and then?
        = A failed ann@x (RCPT): 550 no
        = closed: not a reply that can come here: 250 and then?""",
    "a reply to a final dot that is not even written": """
        peer PIPELINING
        send A ann@x
        C: MAIL FROM:<A@l.example>
        C: RCPT TO:<ann@x>
        C: DATA
        S: 250 ok
        S: 250 ok
        S: 354 go on
        S: 250 taken
        C: text of A
        C: .
        = A unfinished ann@x
        = closed: not a reply that can come here: 250 taken""",
    "a reply to a command that is not even written": """
        peer
        send A ann@x
        C: MAIL FROM:<A@l.example>
        S: 250 ok
        S: 250 ok
        C: RCPT TO:<ann@x>
        = A unfinished ann@x
        = closed: not a reply that can come here: 250 ok""",
    "421 right after a reply": """
        peer PIPELINING
        send A ann@x
        C: MAIL FROM:<A@l.example>
        C: RCPT TO:<ann@x>
        C: DATA
        S: 250 ok
        S: 250 ok
        S: 354 go on
        S: 421 4.3.2 shutting down
        C: text of A
        C: .
        = A unfinished ann@x (421)
        = closed: 421 4.3.2 shutting down""",
    "garbage: what was certain before stays certain": """
        peer PIPELINING
        send A ann@x bob@x
        C: MAIL FROM:<A@l.example>
        C: RCPT TO:<ann@x>
        C: RCPT TO:<bob@x>
        C: DATA
        S: 250 ok
        S: 550 no
        S: hello world
        S: 550 no
        = A failed ann@x (RCPT): 550 no
        = A unfinished bob@x
        = closed: not a reply that can come here: hello world""",
    "354 to MAIL": """
        peer PIPELINING
        send A ann@x
        C: MAIL FROM:<A@l.example>
        C: RCPT TO:<ann@x>
        C: DATA
        S: 354 go on
        = A unfinished ann@x
        = closed: not a reply that can come here: 354 go on""",
    "354 to RCPT": """
        peer PIPELINING
        send A ann@x bob@x
        C: MAIL FROM:<A@l.example>
        C: RCPT TO:<ann@x>
        C: RCPT TO:<bob@x>
        C: DATA
        S: 250 ok
        S: 250 ok
        S: 354 go on
        = A unfinished ann@x+bob@x
        = closed: not a reply that can come here: 354 go on""",
    "250 to DATA": """
        peer PIPELINING
        send A ann@x
        C: MAIL FROM:<A@l.example>
        C: RCPT TO:<ann@x>
        C: DATA
        S: 250 ok
        S: 250 ok
        S: 250 ok
        = A unfinished ann@x
        = closed: not a reply that can come here: 250 ok""",
    "354 to the final dot": """
        peer PIPELINING
        send A ann@x
        C: MAIL FROM:<A@l.example>
        C: RCPT TO:<ann@x>
        C: DATA
        S: 250 ok
        S: 250 ok
        S: 354 go on
        C: text of A
        C: .
        S: 354 go on
        = A unfinished ann@x, dot written
        = closed: not a reply that can come here: 354 go on""",
    "RCPT is accepted after MAIL was refused: a lone dot would send an empty message": """
        peer PIPELINING
        send A ann@x
        C: MAIL FROM:<A@l.example>
        C: RCPT TO:<ann@x>
        C: DATA
        S: 450 no
        S: 250 ok
        = A deferred ann@x (MAIL): 450 no
        = closed: not a reply that can come here: 250 ok""",
    "RSET is refused": """
        peer
        send A ann@x
        C: MAIL FROM:<A@l.example>
        S: 450 no
        = A deferred ann@x (MAIL): 450 no
        send B bob@x
        C: RSET
        S: 500 what?
        = B unfinished bob@x
        = closed: not a reply that can come here: 500 what?""",
    "a greeting instead of the reply to the final dot: a proxy has changed servers": """
        peer PIPELINING
        send A ann@x
        C: MAIL FROM:<A@l.example>
        C: RCPT TO:<ann@x>
        C: DATA
        S: 250 ok
        S: 250 ok
        S: 354 go on
        C: text of A
        C: .
        S: 220 relay.example ESMTP
        = A unfinished ann@x, dot written
        = closed: not a reply that can come here: 220 relay.example ESMTP""",
    "replies of many lines are one": """
        peer PIPELINING
        send A ann@x
        C: MAIL FROM:<A@l.example>
        C: RCPT TO:<ann@x>
        C: DATA
        S: 250-so
        S: 250 ok
        S: 550-5.1.1 There is
        S: 550-
        S: 550 nobody
        S: 554
        = A failed ann@x (RCPT): 550 5.1.1 There is nobody""",
    "a reply of many lines with two codes": """
        peer PIPELINING
        send A ann@x
        C: MAIL FROM:<A@l.example>
        C: RCPT TO:<ann@x>
        C: DATA
        S: 250-so
        S: 251 ok
        = A unfinished ann@x
        = closed: not a reply that can come here: 251 ok""",
    "QUIT after what is on the wire; what has not begun comes back": """
        peer PIPELINING
        send A ann@x
        C: MAIL FROM:<A@l.example>
        C: RCPT TO:<ann@x>
        C: DATA
        send B bob@x
        quit
        = B unfinished bob@x
        quit
        send C joe@x
        = C unfinished joe@x
        S: 250 ok
        S: 250 ok
        S: 354 go on
        C: text of A
        C: .
        S: 250 taken
        C: QUIT
        = A delivered ann@x (final dot): 250 taken
        S: 221 bye
        = closed:""",
    "QUIT while nothing is on the wire, and the peer hangs up on that": """
        peer PIPELINING
        quit
        C: QUIT
        lost reset by peer
        = closed:""",
    "QUIT, and the peer had said 421 already": """
        peer PIPELINING
        quit
        C: QUIT
        S: 421 4.4.2 timeout
        = closed:""",
    "QUIT, and those too many are not sent any more": """
        peer PIPELINING
        send A ann@x bob@x
        C: MAIL FROM:<A@l.example>
        C: RCPT TO:<ann@x>
        C: RCPT TO:<bob@x>
        C: DATA
        quit
        S: 250 ok
        S: 250 ok
        S: 452 4.5.3 too many
        S: 451 later
        C: QUIT
        = A deferred ann@x (DATA): 451 later
        = A unfinished bob@x""",
    "LIMITS end the connection after so many transactions": """
        peer PIPELINING LIMITS=RCPTMAX=1+MAILMAX=2
        send A ann@x bob@x joe@x
        C: MAIL FROM:<A@l.example>
        C: RCPT TO:<ann@x>
        C: DATA
        S: 250 ok
        S: 250 ok
        S: 354 go on
        C: text of A
        C: .
        C: MAIL FROM:<A@l.example>
        C: RCPT TO:<bob@x>
        C: DATA
        = A unfinished joe@x
        S: 250 taken
        S: 250 ok
        S: 250 ok
        S: 354 go on
        C: text of A
        C: .
        = A delivered ann@x (final dot): 250 taken
        S: 250 taken
        C: QUIT
        = A delivered bob@x (final dot): 250 taken
        S: 221 bye
        = closed:""",
    "parameters are used where they are offered": """
        peer PIPELINING 8BITMIME SMTPUTF8
        send A jörg@x utf8 eight_bit
        C: MAIL FROM:<A@l.example> BODY=8BITMIME SMTPUTF8
        C: RCPT TO:<jörg@x>
        C: DATA""",
    "an address needs SMTPUTF8 even where the message does not": """
        peer SMTPUTF8
        send A jörg@x
        C: MAIL FROM:<A@l.example> SMTPUTF8""",
    "nothing is asked for that is not offered": """
        peer PIPELINING
        send A ann@x utf8 eight_bit
        C: MAIL FROM:<A@l.example>
        C: RCPT TO:<ann@x>
        C: DATA""",
    "who needs SMTPUTF8 and cannot have it fails, the others get it": """
        peer
        send A ann@x jörg@x
        C: MAIL FROM:<A@l.example>
        = A failed jörg@x (RCPT): 550 5.6.7 the relay does not take SMTPUTF8 addresses""",
    "nobody is left to send to": """
        peer
        send A jörg@x
        = A failed jörg@x (RCPT): 550 5.6.7 the relay does not take SMTPUTF8 addresses
        send B ann@x
        C: MAIL FROM:<B@l.example>""",
    "a sender who needs SMTPUTF8 is no fault of the recipients": """
        peer
        send Ä ann@x bob@x
        = Ä deferred ann@x+bob@x (MAIL): 550 5.6.7 the relay does not take SMTPUTF8 addresses""",
    "a sender who needs SMTPUTF8": """
        peer SMTPUTF8
        send Ä ann@x
        C: MAIL FROM:<Ä@l.example> SMTPUTF8""",
    "a message larger than the peer takes is not begun": """
        peer SIZE=10
        send A ann@x
        = A deferred ann@x (final dot): 552 5.3.4 larger than the 10 octets that the relay takes""",
    "SIZE 0 is no limit": """
        peer SIZE=0
        send A ann@x
        C: MAIL FROM:<A@l.example>""",
}


@pytest.mark.parametrize("dialogue", DIALOGUES.values(), ids=DIALOGUES)
def test_dialogue(dialogue: str) -> None:
    play(dialogue)


@pytest.mark.parametrize("stage", list(Stage))
@pytest.mark.parametrize("code", [b"451", b"554"])
def test_only_a_refusal_for_good_after_the_recipients_blames_the_message(
    stage: Stage, code: bytes
) -> None:
    event = Settled("A", ("ann@x",), Fate.DEFERRED, stage, code)
    assert event.blames_message == (code == b"554" and stage in (Stage.DATA, Stage.DOT))


def test_words_are_one_printable_line() -> None:
    event = Settled(
        "A", (), Fate.DEFERRED, Stage.DOT, b"550 \x1b[2J caf\xe9\t\x00 \xc3\xa9\xc2\x85"
    )
    assert event.words == "550 [2J caf\N{REPLACEMENT CHARACTER} é"


@pytest.mark.parametrize(
    ("sender", "data", "stage"),
    [
        ("A@l.example", (), Stage.DOT),
        ("A@l.example", (b"no end",), Stage.DOT),
        ("A@l.example", (b"text\r\n", b"\n"), Stage.DOT),
        ("A@l.example\r\nQUIT", (b"text\r\n",), Stage.MAIL),
    ],
)
def test_what_would_break_the_connection_is_settled_before_anything_is_written(
    sender: str, data: tuple[bytes, ...], stage: Stage
) -> None:
    pipeline = Pipeline(Offer(pipelining=True))
    pipeline.send(Transaction("A", sender, ("ann@x",), data))
    (event,) = pipeline.events
    assert isinstance(event, Settled)
    assert (event.fate, event.stage) == (Fate.DEFERRED, stage)
    assert not pipeline.output
    assert pipeline.hungry


def test_an_empty_body_is_a_chunk_too() -> None:
    pipeline = Pipeline(Offer(pipelining=True))
    pipeline.send(Transaction("A", "A@l.example", ("ann@x",), (b"Subject: x\r\n\r\n", b"")))
    assert pipeline.output


def test_an_address_is_no_way_to_a_command() -> None:
    pipeline = Pipeline(Offer(pipelining=True, utf8=True))
    pipeline.send(letter("A", "x@y>\r\nRSET\r\nMAIL FROM:<z@y", "ann@x", "\udc80@y"))
    assert b"".join(pipeline.output).count(b"\r\n") == 3
    assert [event.fate for event in pipeline.events if isinstance(event, Settled)] == [
        Fate.FAILED,
        Fate.FAILED,
    ]


def test_size_is_counted_without_the_doubled_dots() -> None:
    data = (b"..a\r\n", b"..b\r\n...\r\n")
    for size, goes in ((12, True), (11, False)):
        pipeline = Pipeline(Offer(size=size))
        pipeline.send(Transaction("A", "A@l.example", ("ann@x",), data))
        assert bool(pipeline.output) == goes


def with_a_body_on_the_wire(unsent: int) -> Pipeline:
    """The envelope of B follows A's final dot; the carrier still holds so much back."""
    pipeline = Pipeline(Offer(pipelining=True))
    pipeline.send(letter("A", "ann@x"))
    pipeline.send(letter("B", "bob@x"))
    pipeline.output.clear()
    pipeline.receive(b"250 ok\r\n250 ok\r\n354 go on\r\n")
    pipeline.output.clear()
    pipeline.unsent = unsent
    return pipeline


ENVELOPE_OF_B = len(b"MAIL FROM:<B@l.example>\r\nRCPT TO:<bob@x>\r\nDATA\r\n")


@pytest.mark.parametrize(("more", "dot_written"), [(0, True), (1, False)])
def test_a_final_dot_that_the_carrier_holds_back_is_not_written(
    more: int, dot_written: bool
) -> None:
    pipeline = with_a_body_on_the_wire(ENVELOPE_OF_B + more)
    pipeline.lost("gone")
    assert pipeline.events[0] == Unfinished("A", ("ann@x",), dot_written)


def test_a_message_cannot_be_taken_before_its_final_dot_was_written() -> None:
    pipeline = with_a_body_on_the_wire(ENVELOPE_OF_B + 1)
    pipeline.receive(b"250 thanks\r\n")
    assert pipeline.events[0] == Unfinished("A", ("ann@x",), False)
    assert pipeline.closed


def test_a_message_can_be_refused_before_its_final_dot_was_written() -> None:
    pipeline = with_a_body_on_the_wire(ENVELOPE_OF_B + 1)
    pipeline.receive(b"552 too big\r\n")
    assert pipeline.events == [Settled("A", ("ann@x",), Fate.DEFERRED, Stage.DOT, b"552 too big")]
    assert not pipeline.closed


def test_what_is_awaited_is_known() -> None:
    pipeline = Pipeline(Offer(pipelining=True))
    waits = [pipeline.wait]
    pipeline.send(letter("A", "ann@x"))
    waits.append(pipeline.wait)
    pipeline.receive(b"250 ok\r\n250 ok\r\n354 go on\r\n")
    pipeline.send(letter("B", "ann@x"))
    waits.append(pipeline.wait)
    pipeline.receive(b"250 ok\r\n250 ok\r\n550 no\r\n554 nobody\r\n")
    waits.append(pipeline.wait)
    pipeline.quit()
    waits.append(pipeline.wait)
    assert waits == [Wait.NOTHING, Wait.COMMAND, Wait.DOT, Wait.NOTHING, Wait.GOODBYE]


@pytest.mark.parametrize("pipelining", [True, False])
def test_it_is_hungry_when_the_next_envelope_may_be_written(pipelining: bool) -> None:
    pipeline = Pipeline(Offer(pipelining=pipelining))
    assert pipeline.hungry
    pipeline.send(letter("A", "ann@x"))
    assert not pipeline.hungry
    for reply in (b"250 ok\r\n", b"250 ok\r\n"):
        pipeline.receive(reply)
        assert not pipeline.hungry
    pipeline.receive(b"354 go on\r\n")
    assert pipeline.hungry == pipelining
    pipeline.receive(b"250 taken\r\n")
    assert pipeline.hungry
    pipeline.quit()
    assert not pipeline.hungry


# -- whatever comes --------------------------------------------------------------------------------

CODES = "220 221 250 251 334 354 421 450 451 452 500 550 552 554".split()
TEXTS = ["", " ok", " 4.5.3 too many recipients", "-more", " \r", "\n", " " + "x" * 506, "-x" * 254]
REPLIES = st.builds(
    lambda code, text: f"{code}{text}\r\n".encode(), st.sampled_from(CODES), st.sampled_from(TEXTS)
)
OBLIGING = st.sampled_from(
    [b"250 ok\r\n", b"250 ok\r\n250 ok\r\n", b"250 ok\r\n354 go on\r\n", b"354 go on\r\n"]
)
BYTES = st.one_of(OBLIGING, OBLIGING, REPLIES, st.binary(max_size=20))
NAMES = st.sampled_from(["ann@x", "bob@x", "joe@x", "jörg@x", "\r\n@x"])
OFFERS = st.builds(
    Offer,
    pipelining=st.booleans(),
    chunking=st.booleans(),
    utf8=st.booleans(),
    size=st.sampled_from([None, 5, 1000]),
    max_recipients=st.sampled_from([1, 2, 100]),
    max_transactions=st.sampled_from([None, None, 1, 3]),
)
STEPS = st.lists(
    st.one_of(
        BYTES,
        BYTES,
        BYTES,
        st.lists(NAMES, min_size=1, max_size=4).map(tuple),
        st.sampled_from(["quit", "lost"]),
    ),
    max_size=60,
)


def account(events: list[Event]) -> Counter[tuple[object, str]]:
    """How often each recipient of each transaction is named."""
    return Counter(
        (event.key, recipient)
        for event in events
        if isinstance(event, Settled | Unfinished)
        for recipient in event.recipients
    )


@given(OFFERS, STEPS)
def test_whatever_the_peer_says_everybody_is_accounted_for_once(
    offer: Offer, steps: list[bytes | tuple[str, ...] | str]
) -> None:
    pipeline = Pipeline(offer)
    sent: Counter[tuple[object, str]] = Counter()
    for number, step in enumerate(steps):
        match step:
            case bytes():
                pipeline.receive(step)
            case "quit":
                pipeline.quit()
            case "lost":
                pipeline.lost("gone")
            case _:
                pipeline.send(letter(str(number), *step))
                sent.update((str(number), recipient) for recipient in step)
        assert account(pipeline.events) <= sent
    pipeline.lost("the end")
    pipeline.receive(b"250 ok\r\n")

    assert account(pipeline.events) == sent
    assert sum(isinstance(event, Closed) for event in pipeline.events) == 1


@given(
    st.lists(st.integers(1, 3), min_size=1, max_size=5),
    st.lists(st.sampled_from(CODES), min_size=6, max_size=6),
    st.booleans(),
)
def test_replies_mean_the_same_in_one_piece_and_one_by_one(
    sizes: list[int], last: list[str], all_well: bool
) -> None:
    told = []
    for at_once in (True, False):
        pipeline = Pipeline(Offer(pipelining=True))
        written = []
        for number, size in enumerate(sizes):
            pipeline.send(letter(str(number), *[f"r{n}@x" for n in range(size)]))
            codes = ["250"] * (1 + size + bool(number)) + ["354"]
            if number == len(sizes) - 1 and not all_well:
                codes = last[: len(codes)]
            replies = [f"{code} {at}\r\n".encode() for at, code in enumerate(codes)]
            for piece in [b"".join(replies)] if at_once else replies:
                pipeline.receive(piece)
            written.append(b"".join(pipeline.output))
            pipeline.output.clear()
        told.append((written, pipeline.events, pipeline.wait, pipeline.closed))
    assert told[0] == told[1]


def random_server(random: Random, trouble: float, limit: int) -> Peer:
    """It refuses, defers, limits recipients, speaks at length, and hangs up: `trouble` says how
    often."""
    recipients = 0

    def decide(verb: str, possible: bool) -> bytes | None:
        nonlocal recipients
        if verb == "MAIL":
            recipients = 0
        if random.random() < trouble / 40:
            return random.choice([None, b"421 4.3.2 shutting down\r\n"])
        if verb in ("RSET", "QUIT"):
            return b"250 ok\r\n"
        if not possible and (verb not in ("DATA", "BDAT") or random.random() < 0.5):
            return b"503 5.5.1 not now\r\n"
        if verb == "RCPT" and recipients == limit:
            return b"452 4.5.3 too many\r\n"
        if random.random() < trouble / 4:
            return random.choice(
                [b"450-not\r\n450 now\r\n", b"550 5.7.1 no\r\n", b"502 5.5.2 what?\r\n"]
            )
        recipients += verb == "RCPT"
        if verb == "DATA":
            return b"354 go on\r\n"
        return b"250 ok\r\n" if possible or verb == "BDAT" else b"554 nobody\r\n"

    return Peer(decide, True)


@given(
    st.integers(0, 2**32),
    st.sampled_from([0.0, 0.3, 1.0]),
    st.integers(1, 4),
    st.booleans(),
    st.booleans(),
    st.lists(st.integers(1, 6), min_size=1, max_size=8),
)
def test_what_is_told_is_what_the_peer_did(
    seed: int, trouble: float, limit: int, pipelining: bool, chunking: bool, sizes: list[int]
) -> None:
    """Bytes travel in pieces of any size, both ways."""
    random = Random(seed)
    peer = random_server(random, trouble, limit)
    peer.pipelining = pipelining
    pipeline = Pipeline(Offer(pipelining=pipelining, chunking=chunking))
    letters = [
        letter(f"{at}", *(f"r{at}-{n}@x" for n in range(size))) for at, size in enumerate(sizes)
    ]
    waiting = letters[::-1]
    to_peer = from_peer = b""
    while True:
        while waiting and pipeline.hungry:
            pipeline.send(waiting.pop())
        to_peer += b"".join(pipeline.output)
        pipeline.output.clear()
        if not to_peer and not from_peer:
            break
        cut = random.randint(1, 60)
        from_peer += peer.feed(to_peer[:cut])
        to_peer = to_peer[cut:]
        cut = random.randint(0, 60)
        pipeline.receive(from_peer[:cut])
        from_peer = from_peer[cut:]
        if peer.hung_up and not from_peer:
            pipeline.lost("hung up")
            to_peer = b""
    for left in waiting:
        pipeline.send(left)

    events = pipeline.events
    assert account(events) == Counter((one.key, r) for one in letters for r in one.recipients)
    told: dict[Fate, list[str]] = {fate: [] for fate in Fate}
    for event in events:
        if isinstance(event, Settled):
            told[event.fate] += event.recipients
    unsure = [
        r for e in events if isinstance(e, Unfinished) and e.dot_written for r in e.recipients
    ]
    taken = [recipient for _, recipients, _ in peer.taken for recipient in recipients]
    assert Counter(told[Fate.DELIVERED]) == Counter(taken)
    assert Counter(told[Fate.FAILED]) == Counter(peer.refused)
    assert not unsure or peer.hung_up
    for sender, _, data in peer.taken:
        assert data == f"text of {sender.partition('@')[0]}\r\n".encode()
    if trouble == 0:
        assert not peer.hung_up
        assert not told[Fate.DEFERRED]
