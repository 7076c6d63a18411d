"""What went wrong in a way that the person at the keyboard can mend."""


class UserError(Exception):
    """A failure that is explained: its message is one sentence that says what to do.

    `status` is the exit status of a command that fails so.
    """

    status = 1
