"""Where in a record the fields stand: the source's declaration, and the importer's mapping."""

from datetime import datetime, time
from itertools import islice

from .profile import FIELDS, OPTIONS, fold
from .values import clean_line, is_blank

# A record is looked at up to this many names; more is no export of sessions.
_NAMES_READ = 4_000
_JOINED_MOST = 10


class Nested:
    """A value inside of objects: 'from.alias' is the key alias of the object from."""

    __slots__ = ('label', 'path')

    def __init__(self, label):
        self.label = label
        self.path = tuple(label.split('.'))

    def get(self, record):
        for key in self.path:
            record = record.get(key) if isinstance(record, dict) else None
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
        if len(parts) == 2 and isinstance(parts[0], datetime) and isinstance(parts[1], time):
            return datetime.combine(parts[0].date(), parts[1])
        return ' '.join(map(_part_text, parts)) or None


def _part_text(part):
    if isinstance(part, datetime) and part.time() == time.min:
        part = part.date()
    return clean_line(part)


class Columns:
    """The names under which each field is looked for, and how values are written.

    :ivar problem: what cannot be used of the mapping, or None
    """

    def __init__(self, profile, mapping=None):
        self.names = {field: tuple(profile.columns.get(field, ())) for field in FIELDS}
        self.joined = set()
        self.options = {
            'time_unit': profile.time_unit,
            'duration_unit': profile.duration_unit,
            'date_order': None,
        }
        self.problem = None
        if mapping is not None:
            self._apply(mapping)
        self.labels = {
            field: ' + '.join(names) if field in self.joined else (names or (field,))[0]
            for field, names in self.names.items()
        }

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
            if len(self.names[field]) > 1:
                self.joined.add(field)

    def shape(self, record):
        """Return, for each of `FIELDS`, the columns that records with these names have for it.

        A column is a key of the record, or an object whose `get(record)` gives the value.
        """
        keys = [key for key in islice(record, _NAMES_READ) if isinstance(key, str)]
        folded = {}
        for key in keys:
            folded.setdefault(fold(key), key)
        present = set(keys)
        shape = []
        for field in FIELDS:
            found = (_find(name, present, folded) for name in self.names[field])
            columns = tuple(column for column in found if column is not None)
            if field in self.joined and columns:
                columns = (Joined(self.labels[field], columns),)
            shape.append(columns)
        return tuple(shape)


def _find(name, present, folded):
    if name in present:
        return name
    if '.' in name and name.partition('.')[0] in present:
        return Nested(name)
    return folded.get(fold(name))
