"""What is raised, and caught again, where a value cannot be taken."""


class BadValue(ValueError):
    """A value that cannot be taken; `code` is a key of `messages.RECORD`."""

    def __init__(self, code, word=None, wall=None):
        super().__init__(code)
        self.code = code
        # Of 'zone_word': the abbreviation, and the wall time that it stands behind.
        self.word = word
        self.wall = wall
