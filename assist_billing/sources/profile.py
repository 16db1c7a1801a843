"""What a source is: a declaration of its record format, checked when it is made."""

import unicodedata
from dataclasses import dataclass, field

KINDS = ('remote_support', 'unattended', 'screen_share', 'ar', 'on_site', 'phone', 'travel')

# What a column can be mapped to, in the order in which dialogs show it.
FIELDS = (
    'external_id',
    'kind',
    'day',
    'started_at',
    'ended_at',
    'duration',
    'running',
    'tz',
    'technician',
    'customer_email',
    'customer_name',
    'customer_ref',
    'device_ref',
    'device_name',
    'group',
    'department',
    'note',
    'billable',
)
# What a mapping may say besides, and the values it may give.
OPTIONS = {
    'time_unit': ('s', 'ms', 'auto'),
    'duration_unit': ('ms', 's', 'min', 'h', 'd', 'mm:ss'),
    'date_order': ('dmy', 'mdy'),
    'decimal_mark': ('.', ','),
}


def fold(name):
    """Return a column's name as it is compared: without case, accents, blanks, punctuation."""
    name = name[:200].casefold().replace('ı', 'i')
    if not name.isascii():
        name = unicodedata.normalize('NFD', name)
    return ''.join(char for char in name if char.isalnum())


@dataclass(frozen=True, kw_only=True, eq=False)
class Profile:
    """The record format of one source.

    :param name: technical name, the value of a session's `source`
    :param label: the product's name
    :param columns: for a field of `FIELDS` the vendor's names, of which the first that holds a
        value counts; 'from.alias' is the key alias of the object from
    :param time_unit: 's' or 'ms' when numbers count from 1970, 'auto' to tell by their size, None
        when the source writes no numbers
    :param pairs: for a field, pairs of columns (date, time of day) that together are its value
    :param naive: 'utc' when a text without a zone is in UTC, unless the importer names another;
        'local' when it is in a zone that the importer must name
    :param date_order: where the source's dates leave it open: 'dmy', 'mdy', or 'us': month first
        where AM or PM follows in capitals, as Americans write them, else open
    :param date_orders: the same for single columns, by their names
    :param duration_unit: 'ms', 's', 'min' or 'h', of a plain number; None when nobody knows
    :param decimal_mark: '.' or ',' of plain numbers; None where 1,800 can be either
    :param kinds: the vendor's types of session, in lower case, and the `KINDS` they are
    :param not_billable: the vendor's values of `billable`, in lower case, that mean no, and why
    :param identity: fields that together stand for the ID where the source has none; technician,
        customer and device count too, and when the session ended
    :param signatures: sets of names; a record that has all of one is recognised
    :param headless: tables without headings: `(names of the columns, patterns of some of them)`
    :param envelope: keys under which the list of records lies in the source's JSON
    :param prepare: `prepare(record) -> record`, or a `Rejection`: of a record that a declaration
        cannot say, before it is read
    :param refine: `refine(record, normal) -> Normal`, for what a declaration cannot say
    """

    name: str
    label: str
    columns: dict
    time_unit: str | None = None
    pairs: dict = field(default_factory=dict)
    naive: str = 'utc'
    date_order: str | None = None
    date_orders: dict = field(default_factory=dict)
    duration_unit: str | None = 's'
    decimal_mark: str | None = None
    kinds: dict = field(default_factory=dict)
    kind: str = 'remote_support'
    not_billable: dict = field(default_factory=dict)
    identity: tuple = ()
    signatures: tuple = ()
    headless: tuple = ()
    envelope: tuple = ()
    prepare: object = None
    refine: object = None

    def __post_init__(self):
        faults = [
            *(f'unknown field {name!r}' for name in self.columns if name not in FIELDS),
            *(f'unknown kind {kind!r}' for kind in (self.kind, *self.kinds.values())
              if kind not in KINDS),
            *(f'identity of unknown field {name!r}' for name in self.identity
              if name not in FIELDS),
        ]  # fmt: skip
        if not self.name.isidentifier():
            faults.append(f'the name {self.name!r} is no identifier')
        if not self.columns.get('started_at'):
            faults.append('no column for started_at')
        if not (self.columns.get('external_id') or self.identity):
            faults.append('neither a column for external_id nor an identity')
        if self.time_unit not in (None, *OPTIONS['time_unit']):
            faults.append(f'unknown time unit {self.time_unit!r}')
        if self.date_order not in (None, 'us', *OPTIONS['date_order']):
            faults.append(f'unknown order of dates {self.date_order!r}')
        if self.duration_unit not in (None, *OPTIONS['duration_unit']):
            faults.append(f'unknown duration unit {self.duration_unit!r}')
        if self.decimal_mark not in (None, *OPTIONS['decimal_mark']):
            faults.append(f'unknown decimal mark {self.decimal_mark!r}')
        if self.naive not in {'utc', 'local'}:
            faults.append(f'unknown naive {self.naive!r}')
        if faults:
            raise ValueError(f"Profile {self.name!r}: " + '; '.join(faults))
