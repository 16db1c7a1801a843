"""What a whole file tells of its values that a single record leaves open."""

import re
from datetime import date
from itertools import islice

from . import registry
from .columns import Columns, Kept
from .durations import decimal_mark_of, duration, is_clock_open
from .headings import INVOICE, is_day_first
from .normaliser import normaliser, says_billed
from .outcome import Normal, Note
from .profile import fold
from .values import BadValue, clean_line, is_blank
from .words import BROKEN_OFF, CANCELLED, DELETED, FAILED, NOT_HELD, YES, fold_text

# Rows whose durations are compared with their start and end.
_COMPARED = 500
_OPEN_DATE = re.compile(r'\D{0,12}(\d{1,2})([/-])(\d{1,2})\2(?:\d{4}|\d\d)(?!\d)', re.ASCII)
_TWO_PARTS = re.compile(r'(\d{1,4}):(\d\d)', re.ASCII)
_NUMBER = re.compile(r'\d{1,12}(?:[.,]\d{1,15})?', re.ASCII)
_UNITS = {'ms': 0.001, 's': 1, 'min': 60, 'h': 3600, 'd': 86_400}
_NOT_HELD = NOT_HELD | FAILED | CANCELLED | DELETED | BROKEN_OFF
# So many columns are told of.
_NOTES = 5
# Minutes are rounded, and hours to two digits.
_ROUNDED = {'ms': 1.5, 's': 1.5, 'min': 61, 'h': 61, 'd': 61}


def infer(reading, source, mapping=None, *, tz='UTC'):
    """Return `(options, notes)`: what a mapping should say besides, and what is to be looked at.

    The order of dates is told by a day above twelve anywhere in the file, else by headings in a
    language that has but one order; the unit of durations by rows that have start and end too.
    Where the file does not tell, nothing is assumed: its rows are rejected until somebody chooses.

    :param Reading reading: a file that was read
    :param str source: name of the source it is read as
    :param mapping: as of `normalise`; what it says is not inferred
    """
    profile = registry.get(source)
    mapping = mapping or {}
    if profile is None or not isinstance(mapping, dict):
        return {}, []
    options, notes = {}, []
    values = _Values(reading, profile, mapping)
    if not mapping.get('date_order') and not profile.date_order:
        order, note = _date_order(values, reading, profile)
        options |= {'date_order': order} if order else {}
        notes += [note] if note else []
    note = _exchanged(values)
    notes += [note] if note else []
    notes += _open_marks(values)
    if not mapping.get('decimal_mark') and not profile.decimal_mark:
        mark = _decimal_mark(values)
        options |= {'decimal_mark': mark} if mark else {}
    take = normaliser(source, tz=tz, mapping={**mapping, **options})
    unit, note = _duration_unit(values, take, profile, mapping)
    options |= {'duration_unit': unit} if unit else {}
    notes += [note] if note else []
    return options, notes


class _Values:
    """The values of a field in all records of a file, and what they stand under."""

    def __init__(self, reading, profile, mapping):
        self.records = reading.records
        self.columns = Columns(profile, mapping)
        self.shapes = Kept()

    def shape(self, record):
        return self.shapes.get(record, self.columns.shape)

    def of(self, record, field):
        """Return the first value of a field, and the name it stands under."""
        if not isinstance(record, dict):
            return None, None
        return self.within(record, self.shape(record), field)

    @staticmethod
    def within(record, shape, field):
        for column in shape.of(field):
            name = column if type(column) is str else column.label
            value = record[column] if type(column) is str else column.get(record)
            if not is_blank(value):
                return value, name
        return None, None


def _exchanged(values):
    """Return the note on a workbook of which but some days are dates, those up to the twelfth.

    A spreadsheet program took 05/10 for the tenth of May, and left 13/10 the text that it was.
    """
    texts, cells, example = 0, 0, None
    for record in values.records:
        shape = values.shape(record) if isinstance(record, dict) else None
        for field in ('started_at', 'day') if shape else ():
            value, _name = values.within(record, shape, field)
            if isinstance(value, date):
                if value.day > 12:
                    return None
                cells, example = cells + 1, example or value
            elif type(value) is str and (match := _OPEN_DATE.match(value)):
                if int(match[1]) <= 12 and int(match[3]) <= 12:
                    return None
                texts += 1
    if not (texts and cells):
        return None
    return Note('exchanged', {'value': f'{example:%Y-%m-%d}'})


def _open_marks(values):
    """Return the notes on what may say that there is nothing to bill, or may not."""
    found = {}
    for record in values.records:
        shape = values.shape(record) if isinstance(record, dict) else None
        for name in _marks_of(shape, record) if shape else ():
            value, count = found.get(name, (record[name], 0))
            found[name] = (value, count + 1)
    return [
        Note(
            'open_invoice' if fold(name) in INVOICE else 'open_mark',
            {'column': clean_line(name, 60), 'value': clean_line(str(value), 40), 'count': count},
        )
        for name, (value, count) in islice(found.items(), _NOTES)
    ]


def _marks_of(shape, record):
    """Yield the names of a record's columns of which nobody knows whether they say: no bill."""
    for name in (*shape.free, *shape.invoices, *shape.invoice):
        if says_billed(shape, name, record[name]) is None:
            yield name
    for name in shape.exported:
        if fold_text(clean_line(str(record[name]), 20)) in YES:
            yield name
    for name, words in shape.statuses:
        said = fold_text(clean_line(record[name], 64))
        if said in _NOT_HELD and said not in words:
            yield name


def _open_dates(values, profile):
    """Yield `(first, second, text)` of each date whose day and month stand before the year."""
    for record in values.records:
        shape = values.shape(record) if isinstance(record, dict) else None
        for field in ('started_at', 'ended_at', 'day') if shape else ():
            value, name = values.within(record, shape, field)
            if type(value) is str and name not in profile.date_orders:
                match = _OPEN_DATE.match(value)
                if match:
                    yield int(match[1]), int(match[3]), value


def _date_order(values, reading, profile):
    """Return the order of dates that a file tells, and what there is to say of it."""
    orders, example = set(), None
    for first, second, text in _open_dates(values, profile):
        if first > 12 >= second:
            orders.add('dmy')
        elif second > 12 >= first:
            orders.add('mdy')
        elif first != second:
            example = example or text
    if len(orders) == 1:
        return orders.pop(), None
    if orders:
        return None, Note('both_orders', {'value': clean_line(example or '', 40)})
    if example is None:
        return None, None
    if is_day_first(reading.names):
        return 'dmy', Note('day_first', {'value': clean_line(example, 40)})
    return None, Note('open_order', {'value': clean_line(example, 40)})


def _decimal_mark(values):
    """Return the mark of decimals in durations, where one of them tells it and none another."""
    texts = (values.of(record, 'duration')[0] for record in values.records)
    marks = {decimal_mark_of(text) for text in texts if type(text) is str and len(text) < 40}
    marks.discard(None)
    return marks.pop() if len(marks) == 1 else None


def _duration_unit(values, take, profile, mapping):
    """Return the unit of plain durations that a file tells, and what there is to say of it."""
    fitting, needed, unfit = {*_UNITS, 'mm:ss'}, None, None
    compared = 0
    for record in islice(values.records, _COMPARED):
        value, _name = values.of(record, 'duration')
        number = _number(value)
        clock = _TWO_PARTS.fullmatch(value.strip()[:12]) if type(value) is str else None
        told = values.shape(record).unit if isinstance(record, dict) else None
        if number is None and clock is None:
            unfit = unfit or _unfit_text(value, take(record), told)
            continue
        if clock and is_clock_open(int(clock[1]), told):
            told = None
        if values.of(record, 'ended_at')[0] is None or values.of(record, 'started_at')[0] is None:
            needed = needed or (value if told is None else None)
            continue
        session = take(record)
        if not isinstance(session, Normal) or session.ended_at is None or number == 0:
            continue
        compared += 1
        elapsed = session.duration_seconds
        units = {unit for unit in (*_UNITS, 'mm:ss') if _fits(number, clock, unit, elapsed)}
        fitting &= units
        if told not in units and (told is not None or not units):
            unfit = unfit or value
    if mapping.get('duration_unit') or (profile.duration_unit and needed is None):
        return None, _unlike(unfit)
    if needed is None:
        return None, _unlike(unfit)
    if compared and len(fitting) == 1:
        return fitting.pop(), None
    return None, Note('open_unit', {'value': clean_line(needed, 40)})


def _unfit_text(value, session, unit):
    """Return a duration such as 0:45:00 or “45 min” that is not from start to end; else None."""
    if is_blank(value) or not isinstance(session, Normal) or session.ended_at is None:
        return None
    try:
        seconds = duration(value, unit)
    except BadValue:
        return None
    return value if abs(seconds - session.duration_seconds) > _ROUNDED['min'] else None


def _unlike(value):
    return Note('unlike_duration', {'value': clean_line(value, 40)}) if value is not None else None


def _fits(number, clock, unit, elapsed):
    if clock:
        first, second = int(clock[1]), int(clock[2])
        told = {'h': first * 3600 + second * 60, 'mm:ss': first * 60 + second}.get(unit)
        return told is not None and abs(told - elapsed) <= (61 if unit == 'h' else 1.5)
    if unit == 'mm:ss':
        return False
    return abs(number * _UNITS[unit] - elapsed) <= max(_ROUNDED[unit], elapsed * 0.011)


def _number(value):
    """Return a plain number, None for anything else."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value) if 0 <= value < 10**12 else None
    if type(value) is str and _NUMBER.fullmatch(value.strip()[:40]):
        return float(value.strip().replace(',', '.'))
    return None


def value_at(record, name):
    """Return a value of a record by its name, or by its way such as “from.alias”."""
    if not isinstance(record, dict):
        return None
    if name in record:
        return record[name]
    for key in name.split('.'):
        record = record.get(key) if isinstance(record, dict) else None
    return record
