"""What comes out of reading: a session in one common form, or why there is none."""

from typing import NamedTuple

from .messages import FILE, NOTE, RECORD, Label
from .values import clean_line

# How much of an offending value is repeated in a message.
SHOWN = 60


def shorten(value):
    """Return a value as a short text for a message, whatever it is, in bounded work."""
    if isinstance(value, str):
        text = value[: SHOWN + 1]
        text = ''.join(char if char.isprintable() else '\ufffd' for char in text)
        return '“' + (text[:SHOWN] + '…' if len(text) > SHOWN else text) + '”'
    if isinstance(value, bool) or value is None:
        return str(value).lower() if value is not None else 'null'
    if isinstance(value, int):
        # Turning a huge number into digits takes quadratic time, and is refused by Python.
        return str(value) if value.bit_length() < 200 else f'≈2^{value.bit_length()}'
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, dict):
        return '{…}'
    if isinstance(value, list | tuple | set | frozenset):
        return '[…]'
    if hasattr(value, 'isoformat'):
        return str(value)[:SHOWN]
    return '<' + type(value).__name__[:SHOWN] + '>'


class LongRow(dict):
    """A row of a text that has more cells than there are headings.

    One of its values has the delimiter within and no quotation marks around: whatever stands
    behind it is in the wrong column.

    :ivar width: the number of headings
    """

    def __init__(self, values, width):
        super().__init__(values)
        self.width = width


class Normal(NamedTuple):
    """A session in the common form of all sources.

    Times are naive UTC datetimes in whole seconds. Texts are clean (no NUL, no control or
    half characters) and bounded; an absent one is ''.
    """

    external_id: str
    kind: str  # one of `profile.KINDS`
    started_at: object
    ended_at: object  # None: still running
    technician: str  # e-mail address or name, as the source gives it
    customer_email: str  # lower case; '' unless it has the form of an address
    customer_name: str
    customer_ref: str  # the customer's number in one's own company
    device_ref: str  # what the source calls the device
    device_name: str
    group: str
    department: str
    note: str
    billable: object  # None: the source does not say; False: it says no
    billable_note: str  # why not
    # Where the ID is derived: what it was while the session still ran.
    open_id: object = None

    @property
    def duration_seconds(self):
        """Whole seconds from start to end; 0 while running."""
        if self.ended_at is None:
            return 0
        elapsed = self.ended_at - self.started_at
        return elapsed.days * 86400 + elapsed.seconds


class Rejection(NamedTuple):
    """Why a record is no session: the vendor's field, and a sentence that says what to do."""

    field: str
    code: str
    params: dict

    @property
    def template(self):
        """The sentence before its parameters are put in, for translation."""
        return RECORD.get(self.code, RECORD['other'])

    @property
    def reason(self):
        return self.template % {'field': self.field, 'value': '', **self.params}


def reject(field, code, value=None, **params):
    """Return a `Rejection` that repeats `value`, shortened; names are made fit to be shown."""
    if not isinstance(field, Label):
        field = clean_line(field)
    params = {name: clean_line(given, 1_000) for name, given in params.items()}
    return Rejection(field, code, {'field': field, 'value': shorten(value), **params})


class ReadError(Exception):
    """A file that holds no sessions that could be read; `reason` says why and what to do."""

    def __init__(self, code, **params):
        super().__init__(code)
        self.code = code
        self.params = params

    @property
    def template(self):
        return FILE[self.code]

    @property
    def reason(self):
        return self.template % self.params

    def __str__(self):
        return self.reason


class Reading(NamedTuple):
    """The records of one file.

    :ivar records: list of records in the file's order, as the source wrote them
    :ivar columns: names of the columns in their order; empty for JSON
    :ivar lines: for each record the number of its line or row in the file; empty for JSON
    :ivar source: the source its shape speaks for, or None
    :ivar paths: names of the values in records of JSON, those within objects as “from.alias”
    :ivar tz: name of the zone that its times are known to be in, or None
    :ivar encoding: the encoding, where it was weighed and may be another
    :ivar notes: what somebody should look at: `Note` by `Note`
    """

    records: list
    columns: list
    lines: list
    source: object
    paths: object = ()
    tz: object = None
    encoding: object = None
    notes: tuple = ()

    @property
    def names(self):
        """Names that a mapping of columns can name."""
        return self.columns or list(self.paths)


class Note(NamedTuple):
    """What is said of a file that was read; `template` is a sentence, for translation."""

    code: str
    params: dict

    @property
    def template(self):
        return NOTE[self.code]
