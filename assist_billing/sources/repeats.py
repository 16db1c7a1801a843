"""Which sessions are the same: rows of one file that have one ID, and sessions that have not."""

from datetime import timedelta
from functools import lru_cache
from itertools import islice
from zlib import crc32

from .messages import LABELS, Label
from .normaliser import is_derived
from .outcome import Rejection, reject, shorten
from .values import clean_line, device_id, is_blank
from .words import fold_text, is_nobody, total_of

# Two records of one start, of which one is the moment less a duration, differ by their fractions.
_SAME_START = timedelta(seconds=2)
_SAME_RUN = timedelta(hours=24)
# So many columns are named that are not read and tell two rows apart.
_NAMED = 3
_COMPARED = (
    'technician', 'customer_email', 'customer_name', 'customer_ref', 'device_ref', 'device_name',
    'kind', 'group', 'department', 'note', 'billable',
)  # fmt: skip
# What tells sessions apart besides their times. It does not change from beginning to end.
TOLD = (
    'technician', 'customer_email', 'customer_name', 'customer_ref', 'device_ref', 'device_name',
)  # fmt: skip
# By what of them sessions are grouped in a list that has a row of sums below each group.
_GROUPED = ('customer_name', 'technician', 'device_name', 'group', 'department')
_GROUPS_MOST = 100_000
# What somebody is called as well.
_NAMES_TOO = frozenset({'sum', 'suma', 'summa', 'somme'})


class Repeats:
    """What the rows of one file said so far, by their IDs.

    :ivar lines: for each record of the file the number of its line
    :ivar records: the records of the file; where an ID is made of what a session says, they tell
        two sessions apart by columns that are not read, such as that of their tickets
    :ivar offset: the index in the file of the first of the records that are taken in next
    """

    def __init__(self, lines=(), records=()):
        self.lines = lines
        self.records = records
        self.offset = 0
        self._seen = {}
        self._groups = _Groups()

    def __contains__(self, external_id):
        return external_id in self._seen

    def meet(self, index, normal):
        """Take in a session of the file; return a `Rejection` where an earlier row says otherwise.

        :param int index: of its record among those that are taken in now
        """
        index += self.offset
        if self.lines and normal.ended_at is not None:
            if total := self._groups.find_total(normal):
                return total
            self._groups.add(normal)
        said = _sums(normal)
        earlier = self._seen.get(normal.external_id)
        if earlier is None or earlier[0] >= index:
            self._seen[normal.external_id] = (index, normal.started_at, normal.ended_at, said)
            return None
        differing = [Label(LABELS[name]) for name in _differing(earlier, normal, said)]
        if not differing and normal.ended_at and is_derived(normal.external_id):
            differing = self._differing_columns(earlier[0], index)
        if not differing:
            if earlier[2] is None:
                self._seen[normal.external_id] = (
                    earlier[0], earlier[1], normal.ended_at, said,
                )  # fmt: skip
            return None
        return self._reject(earlier[0], normal, differing)

    def _differing_columns(self, *indexes):
        """Return the names of columns in which two records of the file say something else."""
        if max(indexes) >= len(self.records):
            return []
        one, other = (self.records[index] for index in indexes)
        names = dict.fromkeys((*one, *other))
        differing = (name for name in names if _told(one, name) != _told(other, name))
        return [clean_line(name, 60) for name in islice(differing, _NAMED)]

    def _reject(self, index, normal, differing):
        label = Label(LABELS['external_id'])
        number = self.lines[index] if index < len(self.lines) else index + 1
        params = {
            'field': label,
            'value': shorten(normal.external_id),
            'row': str(number),
            'differs': Labels(differing),
        }
        if is_derived(normal.external_id):
            return Rejection(label, 'alike_row', params)
        return Rejection(label, 'otherwise_row' if self.lines else 'otherwise_record', params)


class _Groups:
    """From when to when the sessions of each customer, technician and so on of a file are."""

    def __init__(self):
        self._spans = {}

    def add(self, normal):
        for key in self._keys(_names(normal)):
            span = self._spans.get(key)
            if span is not None:
                span = min(span[0], normal.started_at), max(span[1], normal.ended_at)
            elif len(self._spans) < _GROUPS_MOST:
                span = normal.started_at, normal.ended_at
            else:
                continue
            self._spans[key] = span

    @staticmethod
    def _keys(names):
        """Yield what a session counts for: all, each of its names, and each within a customer."""
        yield ()
        customer = ('customer_name', names.get('customer_name'))
        for pair in names.items():
            yield (pair,)
            if customer[1] and pair != customer:
                yield (customer, pair)

    def find_total(self, normal):
        """Return the rejection of a row of sums: it is from a group's first start to its last end.

        What is called like one says little: a customer may be.
        """
        names = _names(normal)
        for field, name in names.items():
            rest = _total_of(name)
            if rest is None or (field == 'technician' and name in _NAMES_TOO):
                continue
            others = {other: said for other, said in names.items() if _total_of(said) is None}
            within = others | {field: rest} if rest else others
            for key in self._keys(within):
                if (rest and (field, rest) not in key) or (not key and within):
                    continue
                if self._spans.get(key) == (normal.started_at, normal.ended_at):
                    return reject(Label(LABELS[field]), 'total', getattr(normal, field))
        return None


@lru_cache(maxsize=4096)
def _fold(text):
    return fold_text(text[:200])


_total_of = lru_cache(maxsize=4096)(total_of)


def _names(normal):
    return {name: _fold(value) for name in _GROUPED if (value := getattr(normal, name))}


def is_other_session(started_at, ended_at, normal):
    """Tell whether a session with the same ID as one that is stored must be another one.

    Clocks, corrections and zones move a session; but one that is over when the other begins, or
    began days apart from one that still runs, is no other form of it. An ID that was made of wall
    times is of one session in whatever zone.
    """
    if abs(started_at - normal.started_at) <= _SAME_START or is_derived(normal.external_id):
        return False
    if ended_at is None:
        return abs(started_at - normal.started_at) > _SAME_RUN
    return normal.started_at >= ended_at or (
        normal.ended_at is not None and normal.ended_at <= started_at
    )


def is_other_number(started_at, normal):
    """Tell whether a session with the same number as a stored one is another account's.

    A number says little where each account begins them anew; but what has it began at one moment.
    """
    return abs(started_at - normal.started_at) > _SAME_START


def is_same_session(normal, stored):
    """Tell whether a session is one that is stored under an ID that was made of what it says.

    They began at once and, if both have ended, ended at once; and one says all that the other says,
    whatever columns it stands in: something was filled in, or is read that was not read before.

    :param dict stored: its `external_id`, `ended_at`, and texts by the names of `TOLD`
    """
    if not (is_derived(stored['external_id']) or is_derived(normal.external_id)):
        return False
    if normal.ended_at and stored['ended_at'] not in {None, normal.ended_at}:
        return False
    told = _words({name: getattr(normal, name) for name in TOLD})
    before = _words(stored)
    return bool(told and before) and (told <= before or before <= told)


def _words(told):
    values = ((name, told[name]) for name in TOLD if told[name] and not is_nobody(told[name]))
    return {
        (device_id(value) if name == 'device_ref' else value).casefold() for name, value in values
    }


def reject_alike(started_at, source):
    """Return the rejection of a session that may be one which is there already.

    :param started_at: when that one began
    :param str source: what its source is called
    """
    params = {'field': Label(LABELS['started_at']), 'known': f'{started_at} UTC', 'from': source}
    return Rejection(params['field'], 'alike_known', params)


def reject_known(normal, started_at, code='otherwise_known'):
    """Return the rejection of a session whose ID a stored one has that began at another time."""
    label = Label(LABELS['external_id'])
    params = {
        'field': label,
        'value': shorten(normal.external_id),
        'start': f'{normal.started_at} UTC',
        'known': f'{started_at} UTC',
    }
    return Rejection(label, code, params)


class Labels(tuple):
    """Names of fields on the screen, each of which is translated, and of columns."""

    __slots__ = ()

    def __str__(self):
        return ', '.join(self)


def _told(record, name):
    value = record.get(name)
    if isinstance(value, dict | list):
        return value
    return clean_line(value).casefold() if not is_blank(value) else ''


def _sums(normal):
    """Return what a session says besides its times, in few bytes."""
    return b''.join(
        (crc32(str(getattr(normal, name)).encode()) & 0xFFFFFF).to_bytes(3, 'big')
        if getattr(normal, name) not in {'', None}
        else b'\0\0\0'
        for name in _COMPARED
    )


def _differing(earlier, normal, said):
    """Return the fields in which a session differs from what an earlier row said of it."""
    _index, started_at, ended_at, before = earlier
    differing = []
    if abs(started_at - normal.started_at) > _SAME_START:
        differing.append('started_at')
    both_ended = ended_at is not None and normal.ended_at is not None
    if both_ended and ended_at != normal.ended_at:
        differing.append('ended_at')
    for place, name in enumerate(_COMPARED):
        one, other = before[3 * place : 3 * place + 3], said[3 * place : 3 * place + 3]
        if one == other:
            continue
        if both_ended or (name in TOLD and any(one) and any(other)):
            differing.append(name)
    return differing
