class Entry:
    """A session as the database or this batch has it, and what is to be done with it."""

    __slots__ = (
        'difference', 'digest', 'ended', 'ended_at', 'fixed', 'id', 'is_new', 'normal',
        'otherwise', 'seen',
    )  # fmt: skip

    def __init__(self, row=None):
        self.is_new = row is None
        row = row or {}
        self.id = row.get('id', False)
        self.ended_at = row.get('ended_at')
        self.digest = row.get('source_digest')
        self.seen = row.get('source_difference_digest')
        self.ended = self.ended_at is not None
        # Committed by somebody else after this transaction began, so out of reach.
        self.fixed = row.get('fixed', False)
        self.normal = None  # what is to be created, or what ends it
        self.otherwise = None  # what the source says of it now that it has ended
        self.difference = None

    def meet(self, normal, digest):
        """Take in a record of this session and return its status."""
        if self.is_new and self.normal is None:
            status = 'created'
        elif digest in (self.digest, self.seen) or normal.ended_at is None:
            # Said before; or said while it was still running, by a page that comes late.
            return 'duplicate'
        elif self.ended:
            self.otherwise, self.seen = normal, digest
            return 'duplicate'
        else:
            status = 'updated'
        self.normal, self.digest = normal, digest
        self.ended_at = normal.ended_at
        self.ended = normal.ended_at is not None
        return status

    def is_of(self, normal):
        """Tell whether this is a session that was known under another ID while it ran."""
        return not self.ended or self.ended_at == normal.ended_at

    @property
    def is_changed(self):
        return not self.is_new and (self.normal is not None or self.otherwise is not None)
