"""The one kind of error that the local stack raises for a person to read."""


class StackError(Exception):
    """The local stack cannot be started or kept up as it was asked to.

    `str(error)` says what is wrong and where; `hint` says what to do next.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint
