"""Why bills of a batch cannot be made together as they were tried."""


class RefusedTogetherError(Exception):
    """Bills could not be posted together; `cycles` are those that cannot be by themselves."""

    def __init__(self, cycles):
        super().__init__()
        self.cycles = cycles


class NotDerivedError(Exception):
    """Bills derived from others are not what Odoo makes; the reason is in words."""


class NotProvenError(Exception):
    """Bills of a batch are not proven: those of these `cycles` are made first, by themselves."""

    def __init__(self, cycles):
        super().__init__()
        self.cycles = cycles


class OutdatedError(Exception):
    """Bills of an earlier batch are not what Odoo makes any more: nothing is derived from them."""
