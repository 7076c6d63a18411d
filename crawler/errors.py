"""The base class of errors that the user can fix."""


class UserError(Exception):
    """An error that the user can fix; the message is one sentence that says how.

    `status` is the exit status of a command that ends with it.
    """

    status = 1
