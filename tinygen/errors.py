"""The one exception that a user may see: a sentence that says what is wrong and what to do."""


class TinygenError(Exception):
    """A failure with a cause outside tinygen's code.

    `str(error)` is one line; `hint` (optional) says what to do about it. The command line prints
    `error: <message>` and `hint: <hint>` and exits with `exit_code` (1, or 2 for a wrong call).
    """

    def __init__(self, message: str, hint: str = "", exit_code: int = 1) -> None:
        super().__init__(_printable(message))
        self.hint = _printable(hint)
        self.exit_code = exit_code


def _printable(text: str) -> str:
    """One line, and nothing that a terminal would obey: names from files stand in messages."""
    return "".join(c if c.isprintable() else "?" for c in " ".join(text.split()))


class ReportedError(TinygenError):
    """A failure that the command's own JSON object has told already (`fits` or `pass` is false in it)."""
