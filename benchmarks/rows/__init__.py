"""The rows of fanout.py. One module measures what belongs together; table.py says what a row is.

`programs.py` runs other people's programs, `server.py` listserv itself; `far_relay.py`,
`lock_step.py`, `bare_intake.py` and `poster.py` are processes of their own beside it.
"""
