"""The base classes of errors that the user can fix."""


class UserError(Exception):
    """An error that the user can fix; the message is one sentence that says how.

    `status` is the exit status of a command that ends with it.
    """

    status = 1


class WrongUsageError(UserError):
    """The command line is wrong, whatever is in the files and databases that it names."""

    status = 2
