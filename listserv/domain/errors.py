"""What the operator did wrong: one clear line, exit status 1."""


class ListservError(Exception):
    """The operator's mistake. The text names the list, key or address, and the way out."""
