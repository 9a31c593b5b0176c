"""What keeps a comparison from being made at all."""


class ParityError(Exception):
    """The two cannot be compared; the message says why and what to do."""
