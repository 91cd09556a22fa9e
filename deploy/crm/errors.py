"""The one kind of failure that the command line shows as a sentence instead of a traceback."""


class OperatorError(Exception):
    """Something that the person at the keyboard can put right; the text says what and how."""


class NotReadyError(Exception):
    """A server or process that does not answer yet, with the reason it gave."""
