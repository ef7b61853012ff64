"""What a command says when it cannot do its work."""


class Refusal(Exception):
    """A sentence for a person; exit 1."""
