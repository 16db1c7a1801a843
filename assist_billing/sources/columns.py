"""Where in a record the fields stand: the source's declaration, and the importer's mapping."""

from datetime import datetime, time
from functools import lru_cache
from itertools import islice
from typing import NamedTuple

from .headings import (
    COMMON,
    DELETED_AT,
    EXPORTED,
    FREE,
    INVOICE,
    INVOICES,
    PAUSES,
    RESULTS,
    SESSION_STATUSES,
    SPLIT_UNITS,
    STATUSES,
    TICKETS,
    bare,
    is_exact,
    says_exact,
    unit_of,
    zone_of,
    zone_word_of,
)
from .messages import LABELS, Label
from .profile import FIELDS, OPTIONS, fold
from .values import (
    TEXT_LIMIT,
    BadValue,
    clean_line,
    clean_text,
    clock_of,
    is_blank,
    is_date_alone,
    wall_time,
)
from .words import BILLED, CANCELLED, DELETED, FAILED, NOT_HELD, PAID

# A record is looked at up to this many names; more is no export of sessions.
_NAMES_READ = 4_000
_JOINED_MOST = 10
_INNER_NAMES = 50
# Technicians of a session, or its notes: what of each of them is its text.
_LISTED_MOST = 50
_NAME_KEYS = ('name', 'full_name', 'fullName', 'display_name', 'displayName', 'email', 'username',
              'login', 'hostname', 'label', 'title')  # fmt: skip
_KEYS_WITHIN = {
    'note': ('text', 'body', 'content', 'note', 'comment', 'message', 'description', 'value'),
    'device_ref': ('id', 'key', 'uuid', 'number'),
    'customer_ref': ('number', 'ref', 'reference', 'id', 'key'),
}
# A file has a few; records with names of their own each fill no memory.
_LAYOUTS_KEPT = 256
_TOLD_BY_NAME = frozenset({'technician', 'customer_name', 'device_name'})
_MEASURED = frozenset({'started_at', 'ended_at', 'duration'})
_INDEX = {field: index for index, field in enumerate(FIELDS)}


def get_layout(record):
    """Return by what records have their values in the same places: names, and those in objects.

    An object that is empty in one record, or lacks a name, has it in the next.
    """
    return tuple(record), tuple(
        (key, tuple(islice(value, _INNER_NAMES)))
        for key, value in record.items()
        if isinstance(value, dict)
    )


class Kept:
    """What was found out for each layout, of so many at most."""

    __slots__ = ('_found',)

    def __init__(self):
        self._found = {}

    def get(self, record, find):
        """Return `find(record)`, or what it came to for another record of the same layout."""
        layout = get_layout(record)
        found = self._found.get(layout)
        if found is None:
            if len(self._found) >= _LAYOUTS_KEPT:
                self._found.clear()
            found = self._found[layout] = find(record)
        return found


class Nested:
    """A value inside of objects: 'from.alias' is the key alias of the object from."""

    __slots__ = ('label', 'path')

    def __init__(self, label):
        self.label = label
        self.path = tuple(label.split('.'))

    def get(self, record):
        for key in self.path:
            if isinstance(record, dict):
                record = record.get(key)
            elif isinstance(record, list) and key.isdecimal() and len(key) < 4:
                record = record[int(key)] if int(key) < len(record) else None
            else:
                return None
        return record


class Joined:
    """A value that stands in several columns, such as a date and a time of day."""

    __slots__ = ('columns', 'label')

    def __init__(self, label, columns):
        self.label = label
        self.columns = columns

    def get(self, record):
        parts = [
            record[column] if type(column) is str else column.get(record) for column in self.columns
        ]
        parts = [part for part in parts if not is_blank(part)]
        if len(parts) == 1:
            return parts[0]
        if len(parts) == 2:
            return join_moment(*parts)
        return ' '.join(map(_part_text, parts)) or None


class Split:
    """A duration whose hours, minutes and seconds stand in columns of their own."""

    __slots__ = ('columns', 'label')

    def __init__(self, columns):
        self.columns = columns
        self.label = ' + '.join(columns.values())

    def get(self, record):
        parts = {unit: record[column] for unit, column in self.columns.items()}
        filled = {unit: clean_line(part) for unit, part in parts.items() if not is_blank(part)}
        # More minutes than an hour has, or parts of an hour beside minutes: each is the whole.
        if any(not _is_part(unit, text) for unit, text in filled.items() if unit != 'h') or (
            '.' in filled.get('h', '').replace(',', '.') and len(filled) > 1
        ):
            return ' / '.join(filled.values())
        return ' '.join(f'{text} {unit}' for unit, text in filled.items()) or None


def _is_part(unit, text):
    return text.isascii() and text.isdecimal() and len(text) < 3 and int(text) < 60


def join_moment(day, clock):
    """Return a date and a time of day as one value, whichever comes first.

    A second part that names its day itself stands alone, where the first is but a day.
    """
    if clock_of(day) is not None and is_date_alone(clock):
        day, clock = clock, day
    moment = clock_of(clock)
    if moment is not None and isinstance(day, datetime):
        return datetime.combine(day.date(), moment)
    if moment is not None and type(day) in {int, float} and type(clock) is float:
        return day + clock
    if moment is None and is_date_alone(day) and not is_date_alone(clock) and _has_day(clock):
        return clock
    return f'{_part_text(day)} {_part_text(clock)}'


def texts_within(value, field, limit=TEXT_LIMIT):
    """Return the texts of a list, or of an object, that stands where a text is wanted."""
    keys = _KEYS_WITHIN.get(field, _NAME_KEYS)
    found = []
    for part in value[:_LISTED_MOST] if isinstance(value, list) else [value]:
        if isinstance(part, dict):
            part = next((part[key] for key in keys if not is_blank(part.get(key))), None)
        text = clean_text(part, limit) if not is_blank(part) else ''
        if text and text not in found:
            found.append(text)
    return found


def _has_day(value):
    if isinstance(value, datetime):
        return True
    try:
        wall_time(value, 'auto', 'dmy')
    except BadValue:
        return False
    return True


def _part_text(part):
    if isinstance(part, datetime) and part.time() == time.min:
        part = part.date()
    return clean_line(part)


class Shape(NamedTuple):
    """What records with certain names have for each field.

    :ivar columns: for each of `FIELDS` its columns: keys of the record, or objects whose
        `get(record)` gives the value
    :ivar unit: the unit of durations
    :ivar zones: `{field: name of the zone}` that headings tell
    :ivar zone_words: `{field: what the zone calls itself}`, where a heading has but that
    :ivar pauses: names of columns that say how long nobody worked between start and end
    :ivar free: names of columns of which a yes says that there is nothing to bill
    :ivar invoices: names of columns that say on which invoice it is already
    :ivar invoice: names of columns that may say that, or that it belongs on one
    :ivar deleted: names of columns that say that it was thrown away, or when
    :ivar exported: names of columns of which a yes may say that it was billed elsewhere
    :ivar statuses: `(name, words)` of columns that say what became of a session, and the words
        with which they say that nobody was helped, or that it is billed
    """

    columns: tuple
    unit: object
    zones: dict
    zone_words: dict
    pauses: tuple
    free: tuple
    invoices: tuple
    invoice: tuple
    deleted: tuple
    exported: tuple
    statuses: tuple

    def of(self, field):
        return self.columns[_INDEX[field]]


class Columns:
    """The names under which each field is looked for, and how values are written.

    :ivar problem: what cannot be used of the mapping, or None
    """

    def __init__(self, profile, mapping=None):
        self.names = {field: tuple(profile.columns.get(field, ())) for field in FIELDS}
        self.pairs = dict(profile.pairs)
        self.joined = set()
        self.mapped = set()
        self.options = {
            'time_unit': profile.time_unit,
            'duration_unit': None,
            'date_order': profile.date_order,
            'decimal_mark': profile.decimal_mark,
        }
        self.duration_unit = profile.duration_unit
        self.problem = None
        # Whether records without a column for their ID get one made of what they say.
        self.may_derive = bool(profile.identity)
        if mapping is not None:
            self._apply(mapping)
        self.labels = {field: self._label(field, names) for field, names in self.names.items()}

    def _label(self, field, names):
        """Return how a field is called where a record has no column for it."""
        if field in self.joined:
            return ' + '.join(names)
        # Where the source has no name of its own, the screen's.
        own = names and names[0] != COMMON[field][0]
        return names[0] if own else Label(LABELS[field])

    def _apply(self, mapping):
        if not isinstance(mapping, dict):
            self.problem = mapping
            return
        for field, given in islice(mapping.items(), 100):
            if field in OPTIONS:
                if given is not None and given not in OPTIONS[field]:
                    self.problem = {field: given}
                elif given is not None:
                    self.options[field] = given
                continue
            if field not in self.names:
                self.problem = field
                continue
            given = (given,) if isinstance(given, str) else given or ()
            fits = isinstance(given, list | tuple) and len(given) <= _JOINED_MOST
            if not fits or not all(isinstance(name, str) for name in given):
                self.problem = given
                continue
            self.names[field] = tuple(filter(None, given))
            self.mapped.add(field)
            self.pairs.pop(field, None)
            if field == 'external_id':
                self.may_derive = not self.names[field]
            if len(self.names[field]) > 1:
                self.joined.add(field)

    def shape(self, record):
        """Return the `Shape` of records of the layout of this one."""
        keys = [key for key in islice(record, _NAMES_READ) if isinstance(key, str)]
        names = _Names(keys, record)
        columns = tuple(self._find(field, names) for field in FIELDS)
        found = {
            field: [getattr(column, 'label', column) for column in of_field]
            for field, of_field in zip(FIELDS, columns, strict=True)
        }
        zones, words = {}, {}
        for field in ('started_at', 'ended_at', 'day'):
            zone = next(filter(None, map(zone_of, found[field])), None)
            if zone:
                zones[field] = zone
            elif word := next(filter(None, map(zone_word_of, found[field])), None):
                words[field] = word
        told = next(filter(None, map(unit_of, found['duration'][:1])), None)
        unit = self.options['duration_unit'] or told or self.duration_unit
        unused = [key for key in keys if not any(key in of_field for of_field in columns)]
        pauses = tuple(key for key in unused if fold(bare(key)) in PAUSES)
        free = tuple(key for key in unused if fold(key) in FREE)
        invoices = tuple(key for key in unused if fold(key) in INVOICES)
        invoice = tuple(key for key in unused if fold(key) in INVOICE)
        deleted = tuple(key for key in unused if fold(key) in DELETED_AT)
        exported = tuple(key for key in unused if fold(key) in EXPORTED)
        has_ticket = any(fold(key) in TICKETS for key in keys)
        statuses = tuple((key, _not_held(fold(key), has_ticket)) for key in unused)
        statuses = tuple((key, words) for key, words in statuses if words)
        return Shape(
            columns, unit, zones, words, pauses, free, invoices, invoice, deleted, exported,
            statuses,
        )  # fmt: skip

    def _find(self, field, names):
        """Return the columns of a field."""
        for pair in self.pairs.get(field, ()):
            both = tuple(names.find(name) for name in pair)
            if None not in both:
                return (Joined(' + '.join(both), both),)
        found = (names.find(name) for name in self.names[field])
        columns = tuple(dict.fromkeys(column for column in found if column is not None))
        if columns and field in _MEASURED and field not in self.mapped:
            # Beside “Start” there may be “Actual Start”, or “Start (UTC)”.
            surer = names.find_surer(columns[0])
            columns = (surer,) if surer else columns
        if field == 'duration' and field not in self.joined and columns:
            split = names.split_duration(columns[0])
            columns = (split, *columns) if split else columns
        if any(isinstance(column, Nested) for column in columns):
            # A text is within the object, not the object itself.
            columns = tuple(column for column in columns if column not in names.objects)
        if not columns:
            loosely = (names.find_bare(name) for name in self.names[field])
            columns = tuple(dict.fromkeys(column for column in loosely if column is not None))
        if field in _TOLD_BY_NAME and len(self.names[field]) > 1:
            # “Employee?” is answered by yes or no.
            columns = tuple(column for column in columns if not str(column).endswith('?'))
        if field in self.joined and columns:
            columns = (Joined(self.labels[field], columns),)
        return columns


def _not_held(heading, has_ticket):
    """Return the words with which a column says that there is nothing to bill, or None.

    :param str heading: what its name comes to
    :param bool has_ticket: whether the status can be that of a ticket
    """
    if heading in SESSION_STATUSES:
        return BILLED | PAID | NOT_HELD | FAILED | CANCELLED | DELETED
    if heading in STATUSES:
        return BILLED | PAID | NOT_HELD | (frozenset() if has_ticket else FAILED | DELETED)
    return NOT_HELD if heading in RESULTS else None


_STARTS = frozenset(map(fold, COMMON['started_at']))
_ENDS = frozenset(map(fold, (*COMMON['ended_at'], *COMMON['duration'])))


def is_session(record):
    """Tell whether a record itself says when it began, and when it ended or how long it was."""
    own = {
        _come_to(key[:200])
        for key, value in islice(record.items(), _NAMES_READ)
        if isinstance(key, str) and not isinstance(value, dict | list)
    }
    return not (own.isdisjoint(_STARTS) or own.isdisjoint(_ENDS))


@lru_cache(maxsize=2048)
def _come_to(name):
    return fold(bare(name))


class _Names:
    """The names of a record, to be found as they are, or by what they come to."""

    def __init__(self, keys, record):
        self.keys = keys
        # Objects, and what is within: an object “agent” with a “name” is an agent's name.
        self.objects = [key for key in keys if isinstance(record[key], dict)]
        self.within = {}
        for key in self.objects:
            for inner in islice(record[key], _INNER_NAMES):
                if isinstance(inner, str):
                    self.within.setdefault(fold(key + inner), f'{key}.{inner}')
        self.present = set(keys)
        self.folded = {}
        for key in keys:
            self.folded.setdefault(fold(key), key)
        self.bare = None

    def find(self, name):
        if name in self.present:
            return name
        if '.' in name and name.partition('.')[0] in self.present:
            return Nested(name)
        found = self.folded.get(fold(name))
        if found is None and fold(name) in self.within:
            return Nested(self.within[fold(name)])
        return found

    def find_surer(self, column):
        """Find the name that is this one, but for a word that says it was measured, or its zone."""
        if not isinstance(column, str) or says_exact(column) or zone_of(column):
            return None
        same = [key for key in self.keys if key != column and fold(bare(key)) == fold(bare(column))]
        return next((key for told in (says_exact, zone_of) for key in same if told(key)), None)

    def split_duration(self, first):
        """Return a `Split` when the column that is found has but the hours, or the minutes."""
        columns = {}
        for key in self.keys:
            unit = SPLIT_UNITS.get(fold(key))
            if unit:
                columns.setdefault(unit, key)
        order = [unit for unit in ('h', 'min', 's') if unit in columns]
        if len(order) < 2 or first not in columns.values():
            return None
        return Split({unit: columns[unit] for unit in order})

    def find_bare(self, name):
        """Find a name among those that say a unit, a zone or the like besides."""
        if self.bare is None:
            self.bare = {}
            # Of “Duration (rounded)” and “Duration (exact)” the exact one, wherever it stands; and
            # of “Start (Local)” and “Start (UTC)” the one whose zone is told.
            for key in sorted(self.keys, key=lambda key: (not is_exact(key), not zone_of(key))):
                self.bare.setdefault(fold(bare(key)), key)
        return self.bare.get(fold(name))
