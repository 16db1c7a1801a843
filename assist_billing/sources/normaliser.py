"""From a record in the vendor's shape to a session in the common form.

One `Normaliser` serves many records: it works out once for each set of names where everything
stands, so that a record costs some microseconds. It never raises; whatever cannot be taken comes
back as a `Rejection`.
"""

import hashlib
import re
from datetime import date, datetime, time, timedelta
from functools import lru_cache

from . import registry
from .columns import Columns, Kept, join_moment, texts_within
from .headings import NEGATED
from .outcome import LongRow, Normal, reject, shorten
from .profile import FIELDS, Profile, fold
from .values import (
    NOTE_LIMIT,
    UTC,
    BadValue,
    clean_line,
    clean_text,
    clock_of,
    device_id,
    duration,
    email_address,
    identity,
    is_blank,
    is_date_alone,
    local_to_utc,
    wall_time,
    zone_info,
)
from .words import (
    BILLED,
    BROKEN_OFF,
    CANCELLED,
    DELETED,
    FAILED,
    FOR_FREE,
    NO,
    NO_DAYS,
    NOT_HELD,
    PAID,
    RUNNING,
    YES,
    fold_text,
    is_nobody,
    is_total,
)

# Clocks of technicians and tools differ, but not by more than a day.
TOLERANCE = timedelta(hours=24)
EARLIEST = datetime(1990, 1, 1)
LONGEST = timedelta(days=366)
# What ends at an earlier time of day than it began, by times of day alone.
OVER_MIDNIGHT = timedelta(hours=16)

# How an ID looks that was made of what a session says.
DERIVED_ID = '[de]-[0-9a-f]{32}'
# What stands behind a yes or no is why.
_REASON = re.compile(r'\s*[(:;,]|\s[-–]\s')
# Durations may be rounded to minutes.
_ROUNDED = 61
# What is no name of an invoice: an amount, or hours.
_MONEY = 'eur|usd|chf|gbp|pln|sek|nok|dkk|czk|jpy|[$€£¥]'
_NUMBER = re.compile(rf"(?:{_MONEY})?\s?-?\d[\d.,:' ]*\s?(?:{_MONEY}|%|h|hrs?|min|std)?")
# Of a status what is paid was billed; of a kind of charge it is what is not free.
_STATUS = re.compile('stat|etat|estado')
# What a column that is read as billable says where there is nothing to bill.
_NOT_BILLED = NO | BILLED | NOT_HELD | FAILED | CANCELLED | DELETED | BROKEN_OFF

# What a column says that is called so itself.
_SO = YES | BILLED | PAID | DELETED | CANCELLED | FOR_FREE

_INDEX = {field: index for index, field in enumerate(FIELDS)}
# What tells sessions apart that their source does not number, besides start and end.
_IDENTITY = (
    'technician', 'customer_email', 'customer_name', 'customer_ref', 'device_ref', 'device_name',
)  # fmt: skip

_NAMES = ('technician', 'customer_name', 'customer_ref', 'device_name', 'group', 'department')


def utc_now():
    return datetime.now(UTC).replace(tzinfo=None)


def normalise(record, source, *, tz=None, mapping=None, now=None):
    """Return a record of `source` as a `Normal`, or as a `Rejection` saying why not.

    :param record: what the source wrote for one session; anything at all may come
    :param source: name of a registered source, or a `Profile`
    :param tz: IANA name of the zone of times that carry none; default: UTC, where the source is
        known to mean that
    :param mapping: for a field (see `profile.FIELDS`) the name of its column, a list of columns to
        be joined by a blank, or None to leave it out; fields that are not mentioned stay as the
        source declares. It may also set the `profile.OPTIONS`.
    :param now: naive UTC datetime taken for the present; default: the present
    """
    return normaliser(source, tz=tz, mapping=mapping)(record, now)


def normaliser(source, *, tz=None, mapping=None):
    """Return a callable `(record, now=None) -> Normal | Rejection`, for many records."""
    profile = source if isinstance(source, Profile) else registry.get(source)
    if profile and mapping is None and (tz is None or isinstance(tz, str)):
        return _kept(profile, tz)
    return Normaliser(profile, source, tz=tz, mapping=mapping)


@lru_cache(maxsize=64)
def _kept(profile, tz):
    return Normaliser(profile, profile.name, tz=tz)


class Normaliser:
    """Reads records of one source, with one zone and one mapping."""

    def __init__(self, profile, source, *, tz=None, mapping=None):
        self.profile = profile
        # What is wrong with source, zone or mapping; then each record is rejected for it.
        self._problem = None
        self._zone = None
        self._shapes = Kept()
        if profile is None:
            known = ', '.join(registry.names())
            self._problem = reject('source', 'unknown_source', source, known=known)
            return
        self._columns = Columns(profile, mapping)
        self._options = self._columns.options
        if self._columns.problem is not None:
            self._problem = reject('mapping', 'bad_mapping', self._columns.problem)
        elif tz:
            try:
                self._zone = zone_info(tz)
            except BadValue as bad:
                self._problem = reject('tz', bad.code, tz)
        elif profile.naive == 'utc':
            self._zone = zone_info('UTC')

    def __call__(self, record, now=None):
        if self._problem is not None:
            return self._problem
        if not isinstance(record, dict):
            return reject('record', 'not_object', record)
        if isinstance(record, LongRow):
            return reject('record', 'long_row', next(reversed(record.values())))
        try:
            return self._read(record, now or utc_now())
        except Exception as error:  # noqa: BLE001 - the last guard: one record, never the batch
            return reject('record', 'unreadable', type(error).__name__)

    def _read(self, record, now):
        if self.profile.prepare:
            record = self.profile.prepare(record)
            if not isinstance(record, dict):
                return record
        shape = self._shapes.get(record, self._columns.shape)
        reading = _Reading(self, record, shape)
        try:
            external_id = reading.external_id()
            started_at, wall, ended_at, end_wall = reading.times(now)
        except _Rejected as rejected:
            return reading.total() or rejected.args[0]
        text = reading.text
        billable, billable_note = reading.billable()
        normal = Normal(
            external_id,
            reading.kind(),
            started_at,
            ended_at,
            text('technician'),
            reading.email('customer_email'),
            text('customer_name'),
            text('customer_ref'),
            text('device_ref'),
            text('device_name'),
            text('group'),
            text('department'),
            reading.note(),
            billable,
            billable_note,
        )
        if self.profile.refine:
            normal = self.profile.refine(record, normal)
        if not isinstance(normal, Normal):
            return normal
        if external_id is None:
            normal = self._with_derived_id(normal, wall, end_wall)
        # Not before: an ID that was made of such a word is to be found again.
        return _tidy(normal) if isinstance(normal, Normal) else normal

    def _with_derived_id(self, normal, wall, end_wall):
        """Return a session with an ID made of what tells it from all others, or a rejection.

        Of wall times, not instants: importing again with another zone must not double it. What
        still runs has no end to be told by; `open_id` is what it was called then.
        """
        identity = self.profile.identity or _IDENTITY
        parts = [getattr(normal, name) for name in identity]
        open_id = None
        if any(parts):
            open_id = _digest('d-', (wall.isoformat(), *(part.casefold() for part in parts)))
        if normal.ended_at is None:
            if open_id is None:
                labels = ', '.join(self._columns.labels[name] for name in identity)
                label = self._columns.labels['external_id']
                return reject(label, 'no_identity', fields=labels)
            return normal._replace(external_id=open_id)
        told = (getattr(normal, name).casefold() for name in dict.fromkeys((*_IDENTITY, *identity)))
        external_id = _digest('e-', (wall.isoformat(), end_wall.isoformat(), *told))
        return normal._replace(external_id=external_id, open_id=open_id)


def _tidy(normal):
    """Return a session without words for nobody, its device's ID as lists of devices have it."""
    better = {
        name: ''
        for name in _NAMES
        if (value := getattr(normal, name)) and len(value) < 16 and is_nobody(value)
    }
    if ' ' in normal.device_ref:
        better['device_ref'] = device_id(normal.device_ref)
    return normal._replace(**better) if better else normal


def _digest(prefix, parts):
    return prefix + hashlib.sha256('\x1f'.join(parts).encode()).hexdigest()[:32]


def is_derived(external_id):
    """Tell whether an ID was made here of what a session says."""
    return re.fullmatch(DERIVED_ID, external_id) is not None


class _Rejected(Exception):
    """Carries a `Rejection` out of the reading of a record."""


class _Reading:
    """One record, being read."""

    __slots__ = ('columns', 'options', 'owner', 'profile', 'record', 'shape', 'whole')

    def __init__(self, owner, record, shape):
        self.owner = owner
        self.profile = owner.profile
        self.columns = owner._columns
        self.options = owner._options
        self.record = record
        self.shape = shape.columns
        self.whole = shape

    def take(self, field):
        """Return the first value given for a field, and the name it stands under."""
        record = self.record
        name = None
        for column in self.shape[_INDEX[field]]:
            if type(column) is str:
                name, value = column, record[column]
            else:
                name, value = column.label, column.get(record)
            if value is None or value == '' or value != value:
                continue
            return value, name
        return None, name or self.columns.labels[field]

    def text(self, field):
        value = self.take(field)[0]
        if isinstance(value, list | dict):
            return clean_line(', '.join(texts_within(value, field)))
        return clean_line(value) if value is not None else ''

    def email(self, field):
        value = self.take(field)[0]
        if isinstance(value, list | dict):
            # Of several nobody knows whose the session is.
            value = value[0] if isinstance(value, list) and len(value) == 1 else None
        return email_address(value) if value is not None else ''

    def note(self):
        value = self.take('note')[0]
        if isinstance(value, list | dict):
            value = '\n'.join(texts_within(value, 'note', NOTE_LIMIT))
        return clean_text(value, NOTE_LIMIT) if value is not None else ''

    def external_id(self):
        """Return the ID; None when the source has no such column and it is to be derived."""
        value, name = self.take('external_id')
        if value is None and not self.shape[_INDEX['external_id']] and self.columns.may_derive:
            return None
        try:
            found = identity(value)
        except BadValue as bad:
            raise _Rejected(reject(name, bad.code, value, limit=255)) from None
        if not found:
            raise _Rejected(reject(name, 'no_id', value))
        return found

    def times(self, now):
        """Return start and end in UTC, each with its wall time in the source's zone.

        The end is None while it runs. A start that is not told is the end less the duration.
        """
        value, name = self.take('started_at')
        has_no_start = is_blank(value) or (self.options['time_unit'] and _is_nought(value))
        if has_no_start:
            value, name = self._day_as_start(value, name)
        if has_no_start and is_blank(value):
            return self._times_by_end(name, now)
        value = self._with_day(value, name, 'started_at')
        self._check_time_of_day(value, name)
        moment, wall = self.moment(value, name, 'started_at')
        self._check_start(name, value, moment, now)
        ended_at, end_wall = self.ended_at(moment, wall, now)
        if ended_at is not None and (wall != moment or end_wall != ended_at):
            moment, ended_at = self._told_apart(moment, wall, ended_at, end_wall)
        return moment, wall, ended_at, end_wall

    def _told_apart(self, started_at, start_wall, ended_at, end_wall):
        """Return start and end; of an hour that the clock shows twice, or skips, by the duration.

        Who begins in an hour that was skipped, and ends after it, has a clock that nobody knows.
        """
        starts = self._readings('started_at', started_at, start_wall)
        ends = self._readings('ended_at', ended_at, end_wall)
        length = self.take('duration')[0] if len(starts) + len(ends) > 2 else None
        for seconds in () if is_blank(length) else self._lengths(length):
            for start in starts:
                for end in ends:
                    lasted = (end - start).total_seconds()
                    if lasted >= 0 and abs(lasted - seconds) <= _ROUNDED:
                        return start, end
        if _is_skipped(starts) and not _is_skipped(ends):
            value, name = self.take('started_at')
            raise _Rejected(reject(name, 'skipped_time', value))
        return started_at, ended_at

    def _lengths(self, value):
        """Yield what a duration comes to; where nobody knows its unit, in each.

        Between readings that are an hour apart that is enough to tell.
        """
        for unit in (self.whole.unit, 'h', 'min', 's', 'mm:ss', 'ms'):
            try:
                yield duration(value, unit, self.options['decimal_mark'])
            except BadValue as bad:
                if bad.code != 'ambiguous_duration':
                    return
            else:
                if unit == self.whole.unit:
                    return

    def _readings(self, field, moment, wall):
        """Return the instants that a wall time can be: the one that it was read as comes first.

        The other one is later where the clock shows that time twice, earlier where it skips it.
        """
        value, name = self.take(field)
        if wall == moment or is_blank(value):
            return (moment,)
        zone = self._zone(name, value, field)
        other = local_to_utc(wall, zone, fold=1)
        if other == moment or local_to_utc(wall, zone) != moment:
            return (moment,)
        return moment, other

    def _check_time_of_day(self, value, name, start_wall=None):
        """Refuse a day where an instant is wanted: nobody knows when on it.

        A spreadsheet keeps midnight and a day alike: there two of them in a row are days.
        """
        is_cell = not isinstance(value, str)
        if not is_cell and ':' in value:
            return  # nearly always, and looked at more closely for nothing
        if is_cell and (start_wall is None or start_wall.time() != time.min):
            return
        if is_date_alone(value):
            raise _Rejected(reject(name, 'no_time', value))

    def _check_day_alone(self):
        """Refuse a cell of a spreadsheet that is a day, where but a duration stands beside it.

        Nobody begins at midnight to the second and notes no end.
        """
        value, name = self.take('started_at')
        if not isinstance(value, str) and name in self.record and is_date_alone(value):
            raise _Rejected(reject(name, 'no_time', value))

    def _check_start(self, name, value, moment, now):
        if moment < EARLIEST:
            raise _Rejected(_timed(name, 'too_early', value, moment))
        if moment > now + TOLERANCE:
            raise _Rejected(_timed(name, 'ahead', value, moment))

    def _day_as_start(self, value, name):
        """Return the date's column in place of the start's, when it has the time of day as well."""
        if not self.shape[_INDEX['day']]:
            return None, name
        day, day_name = self.take('day')
        if is_blank(day):
            return None, name
        return (None, name) if is_date_alone(day) else (day, day_name)

    def _with_day(self, value, name, field):
        """Return a time of day with its date, when that stands in a column of its own."""
        if type(value) is str and len(value) > 23:
            return value
        clock = clock_of(value)
        if clock is None:
            return value
        if not self.shape[_INDEX['day']]:
            raise _Rejected(reject(name, 'bad_time', value))
        day, day_name = self.take('day')
        if is_blank(day):
            raise _Rejected(reject(day_name, 'no_start', day))
        return join_moment(day, value)

    def _times_by_end(self, name, now):
        end, end_name = self.take('ended_at')
        length, length_name = self.take('duration')
        if _is_nothing(end) or is_blank(length) or not self._leaves_start_out():
            raise _Rejected(self._no_start(name))
        ended_at, end_wall = self.moment(
            self._with_day(end, end_name, 'ended_at'), end_name, 'ended_at'
        )
        elapsed = timedelta(seconds=self._length(length, length_name))
        self._check_start(end_name, end, ended_at - elapsed, now)
        self._check_end(end_name, end, ended_at, ended_at - elapsed, now)
        return ended_at - elapsed, end_wall - elapsed, ended_at, end_wall

    def _leaves_start_out(self):
        """Tell whether a start is simply not there; what is broken is not made up for."""
        columns = self.shape[_INDEX['started_at']]
        values = (self.record[c] if type(c) is str else c.get(self.record) for c in columns)
        return all(
            value is None or (isinstance(value, str) and is_blank(value)) for value in values
        )

    def total(self):
        """Return the rejection of a row of sums, which begins with a word for it; else None."""
        pairs = ((key, value) for key, value in self.record.items() if not is_blank(value))
        label, first = next(pairs, (None, None))
        return reject(label, 'total', first) if is_total(first) else None

    def _no_start(self, name):
        """Return why a record without a start is none."""
        day, day_name = self.take('day')
        if not is_blank(day):
            return reject(day_name, 'no_time', day)
        return reject(name, 'no_start', self.take('started_at')[0])

    def ended_at(self, started_at, start_wall, now):
        """Return the end and its wall time; None and None while it runs."""
        running = self.take('running')[0]
        if running is not None and _word(running) in YES:
            return None, None
        value, name = self.take('ended_at')
        if _is_nothing(value):
            value, name = self.take('duration')
            if is_blank(value):
                return None, None
            seconds = self._length(value, name)
            if not seconds and self.shape[_INDEX['ended_at']]:
                return None, None
            self._check_day_alone()
            ended_at = started_at + timedelta(seconds=seconds)
            end_wall = start_wall + timedelta(seconds=seconds)
        else:
            self._check_pauses(name)
            ended_at, end_wall = self._end_of(value, name, started_at, start_wall)
            starts = (started_at,)
            if ended_at < started_at:
                starts = self._readings('started_at', started_at, start_wall)
            if ended_at < starts[-1]:
                start, start_name = self.take('started_at')
                raise _Rejected(
                    reject(name, 'reversed', value, start_field=start_name, start=shorten(start))
                )
        self._check_end(name, value, ended_at, started_at, now)
        return ended_at, end_wall

    def _check_pauses(self, end_name):
        """Refuse a session from start to end in which somebody made a break, or it were billed."""
        for name in self.whole.pauses:
            value = self.record[name]
            if not _is_no_pause(value):
                # Without the end the duration counts, where there is one.
                code = 'pause_alone' if is_blank(self.take('duration')[0]) else 'pause'
                raise _Rejected(reject(name, code, value, end_field=end_name))

    def _end_of(self, value, name, started_at, start_wall):
        """Return the end, and its wall time. A time alone is of the start's day, or the next."""
        clock = clock_of(value) if type(value) is not str or len(value) < 24 else None
        if clock is not None:
            day = self.take('day')[0] if self.shape[_INDEX['day']] else None
            if is_blank(day) or is_date_alone(day):
                return self._end_by_clock(clock, value, name, started_at, start_wall)
        self._check_time_of_day(value, name, start_wall)
        ended_at, wall = self.moment(value, name, 'ended_at')
        if ended_at < started_at and wall != ended_at:
            # The hour that the clock shows twice: begun in the first, ended in the second.
            later = local_to_utc(wall, self._zone(name, value, 'ended_at'), fold=1)
            ended_at = max(later, ended_at)
        return ended_at, wall

    def _end_by_clock(self, clock, value, name, started_at, start_wall):
        if clock == time.max:
            wall = datetime.combine(start_wall.date(), time.min) + timedelta(days=1)
        else:
            wall = datetime.combine(start_wall.date(), clock)
        ended_at, wall = self.moment(wall, name, 'ended_at')
        if ended_at < started_at:
            later = local_to_utc(wall, self._zone(name, value, 'ended_at'), fold=1)
            if started_at <= later:
                return later, wall
            # Past midnight. But whoever writes 10:42 to 10:12 has not worked through the night.
            ended_at, wall = self.moment(wall + timedelta(days=1), name, 'ended_at')
            if ended_at - started_at > OVER_MIDNIGHT:
                return ended_at - timedelta(days=1), wall
        return ended_at, wall

    def _check_end(self, name, value, ended_at, started_at, now):
        if ended_at > now + TOLERANCE:
            raise _Rejected(_timed(name, 'ahead', value, ended_at))
        if ended_at - started_at > LONGEST:
            raise _Rejected(_timed(name, 'too_long', value, ended_at))

    def _length(self, value, name):
        try:
            seconds = duration(value, self.whole.unit, self.options['decimal_mark'])
        except BadValue as bad:
            raise _Rejected(reject(name, bad.code, value)) from None
        if seconds > LONGEST.total_seconds():
            raise _Rejected(reject(name, 'too_long', value))
        return seconds

    def moment(self, value, name, field):
        """Return an instant in UTC and its wall time in the source's zone."""
        order = self.options['date_order'] or self.profile.date_orders.get(name)
        if order == 'us':
            # As Americans write it; elsewhere am and pm are small, if they are written at all.
            order = 'mdy' if type(value) is str and value.rstrip()[-2:] in {'AM', 'PM'} else None
        try:
            wall, aware = wall_time(value, self.options['time_unit'], order)
            if aware:
                return wall, wall
            return local_to_utc(wall, self._zone(name, value, field)), wall
        except BadValue as bad:
            if bad.code != 'zone_word':
                raise _Rejected(reject(name, bad.code, value)) from None
            return self._named_zone(bad, name, value, field)

    def _named_zone(self, bad, name, value, field):
        """Return an instant whose zone stands behind it by a name that may mean several."""
        if '/' in bad.word:
            try:
                return local_to_utc(bad.wall, zone_info(_iana(bad.word))), bad.wall
            except BadValue:
                raise _Rejected(reject(name, 'bad_time', value)) from None
        zone = self._zone(name, value, field)
        if (bad.wall.replace(tzinfo=zone).tzname() or '').lower() != bad.word:
            raise _Rejected(reject(name, 'zone_word', value))
        return local_to_utc(bad.wall, zone), bad.wall

    def _zone(self, name, value, field):
        # What a heading says of its column holds whatever zone the row's customer is in.
        given, zone_name = self.whole.zones.get(field), name
        if given is None:
            given, zone_name = self.take('tz')
        if is_blank(given):
            given, zone_name = self.whole.zones.get('day'), name
        if given is None:
            if self.owner._zone is None:
                raise _Rejected(reject(name, 'no_zone', value))
            word = self.whole.zone_words.get(field) or self.whole.zone_words.get('day')
            if word is not None and word not in _names_of(self.owner._zone):
                raise _Rejected(reject(name, 'zone_word', word))
            return self.owner._zone
        try:
            return zone_info(given)
        except BadValue as bad:
            raise _Rejected(reject(zone_name, bad.code, given)) from None

    def kind(self):
        value = self.take('kind')[0]
        if value is None:
            return self.profile.kind
        word, kinds = _word(value), self.profile.kinds
        return kinds.get(word) or kinds.get(fold_text(word), self.profile.kind)

    def billable(self):
        """Return None, or False and why."""
        value, name = self._mark()
        if name is not None:
            return False, f'{name}: {clean_line(str(value))}'
        value, name = self.take('billable')
        if value is None:
            return None, ''
        # “Non billable (warranty)”, “no: goodwill”
        word = fold_text(_word(value))
        said = _REASON.split(word, maxsplit=1)[0]
        word = said if any(map(str.isalpha, said)) else word
        if word in self.profile.not_billable:
            return False, self.profile.not_billable[word]
        if fold(name) in NEGATED:
            is_free = _says_so(value)
        else:
            is_paid = word in PAID and _STATUS.search(fold_text(name))
            is_free = not self.profile.not_billable and (word in _NOT_BILLED or is_paid)
        return (False, f'{name}: {clean_line(str(value))}') if is_free else (None, '')

    def _mark(self):
        """Return what says, in another column, that there is nothing to bill, and its name."""
        whole, record = self.whole, self.record
        for name in whole.deleted:
            if _says_so(record[name]):
                return record[name], name
        for name in (*whole.free, *whole.invoices, *whole.invoice):
            if says_billed(whole, name, record[name]):
                return record[name], name
        for name, words in whole.statuses:
            if fold_text(_word(record[name])) in words:
                return record[name], name
        value, name = self.take('kind')
        is_free = value is not None and fold_text(_word(value)) in NOT_HELD
        return (value, name) if is_free else (None, None)


@lru_cache(maxsize=64)
def _names_of(zone):
    """Return what a zone calls itself, in winter and in summer."""
    return {datetime(2026, month, 15, tzinfo=zone).tzname() for month in (1, 7)}


def _is_skipped(readings):
    """Tell whether the clock never shows the time that can be read as these."""
    return readings[-1] < readings[0]


def _is_nought(value):
    return isinstance(value, int | float | str) and value in {0, '0'}


def _is_no_pause(value):
    if is_blank(value) or not value or _word(value) in NO:
        return True
    try:
        return not duration(value, 'h')
    except BadValue:
        return False


def says_billed(shape, name, value):
    """Tell whether a column of which a shape knows that it may say so says: nothing to bill.

    None where it says something of it that can be meant in two ways.
    """
    text = fold_text(_word(value)) if isinstance(value, str | int | float) else ''
    if isinstance(value, date):
        return True
    said = _REASON.split(text, maxsplit=1)[0]
    if name in shape.free and {text, said} & FOR_FREE:
        return True
    if is_blank(value) or is_nobody(text) or text in NO:
        return False
    if name in shape.free:
        if {text, said} & (YES | BILLED | PAID):
            return True
    elif name in shape.invoices or '#' in name:
        return any(map(str.isdigit, text))
    elif {text, said} & (BILLED | PAID):
        return True
    if text in YES or _NUMBER.fullmatch(text):
        return None
    return any(map(str.isdigit, text))


def _says_so(value):
    """Tell whether “Deleted”, “Exported” and the like are so of a session: yes, when, or where."""
    if isinstance(value, date):
        return True
    if is_blank(value) or not isinstance(value, str | int | float) or _is_nothing(value):
        return False
    text = fold_text(_word(value))
    if text in _SO:
        return True
    if is_nobody(text) or text in NO:
        return False
    return any(map(str.isdigit, text))


def _is_nothing(value):
    """Tell whether an end is none: nought, “in progress” and the like stand for “not yet”."""
    if is_blank(value) or (isinstance(value, int | float | str) and value in {0, -1, '0', '-1'}):
        return True
    if type(value) is not str or len(value) > 32:
        return False
    return value.strip().startswith(NO_DAYS) or fold_text(value) in RUNNING


def _iana(name):
    """Return a zone's name, that comes in lower case, as the database writes it."""
    return '/'.join(
        '_'.join(part.capitalize() for part in piece.split('_')) for piece in name.split('/')
    )


def _word(value):
    if value in ('t', 'f'):  # as PostgreSQL writes them
        return 'true' if value == 't' else 'false'
    return clean_line(str(value) if isinstance(value, bool) else value, 64).casefold()


def _timed(name, code, value, moment):
    """Return a rejection that also shows which instant a number stands for."""
    rejection = reject(name, code, value)
    if not isinstance(value, str):
        rejection.params['value'] += f' ({moment} UTC)'
    return rejection
