"""What do we say: values and bytes in, bytes out. Pure: no I/O, clock or randomness.

In:   parse.py reads a message with surgery (header fields), mime (parts), mailboxes (addresses),
      words (encoded words, charsets), text (what the author wrote), automatic (robots).
Out:  outgoing.py makes the list's copy by the table in headers.py: wire.py writes the author's
      fields, footer.py adds the footer, encode.py (with transfer.py) what lines are too long for.
      personal.py makes the fields of one recipient, verp.py the return path, sign.py signs;
      notices.py writes the program's own mail.
Read: rendering.py shows a post as text, whatever its parts are: page (HTML), plain, opaque
      (S/MIME), calendars, attached (names and sizes); quotes.py folds what others wrote, by what
      programs put over it (announced.py).
"""
