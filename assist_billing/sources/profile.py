"""What a source is: a declaration of its record format, checked when it is made."""

from dataclasses import dataclass, field

KINDS = ('remote_support', 'unattended', 'screen_share', 'ar')

# What a column can be mapped to, in the order in which dialogs show it.
FIELDS = (
    'external_id',
    'kind',
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
    'duration_unit': ('ms', 's', 'min', 'h'),
    'date_order': ('dmy', 'mdy'),
}


def fold(name):
    """Return a column's name as it is compared: without case, blanks and punctuation."""
    return ''.join(char for char in name[:200].casefold() if char.isalnum())


@dataclass(frozen=True, kw_only=True, eq=False)
class Profile:
    """The record format of one source.

    :param name: technical name, the value of a session's `source`
    :param label: the product's name
    :param columns: for a field of `FIELDS` the vendor's names, of which the first that holds a
        value counts; 'from.alias' is the key alias of the object from
    :param time_unit: 's' or 'ms' when numbers count from 1970, 'auto' to tell by their size, None
        when the source writes no numbers
    :param naive: 'utc' when a text without a zone is in UTC; 'local' when it is in a zone that
        the importer must name
    :param duration_unit: 'ms', 's', 'min' or 'h', of a plain number
    :param kinds: the vendor's types of session, in lower case, and the `KINDS` they are
    :param not_billable: the vendor's values of `billable`, in lower case, that mean no, and why
    :param identity: fields that together stand for the ID where the source has none
    :param signatures: sets of names; a record that has all of one is recognised
    :param envelope: keys under which the list of records lies in the source's JSON
    :param refine: `refine(record, normal) -> Normal`, for what a declaration cannot say
    """

    name: str
    label: str
    columns: dict
    time_unit: str | None = None
    naive: str = 'utc'
    duration_unit: str = 's'
    kinds: dict = field(default_factory=dict)
    kind: str = 'remote_support'
    not_billable: dict = field(default_factory=dict)
    identity: tuple = ()
    signatures: tuple = ()
    envelope: tuple = ()
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
        if self.duration_unit not in OPTIONS['duration_unit']:
            faults.append(f'unknown duration unit {self.duration_unit!r}')
        if self.naive not in {'utc', 'local'}:
            faults.append(f'unknown naive {self.naive!r}')
        if faults:
            raise ValueError(f"Profile {self.name!r}: " + '; '.join(faults))
