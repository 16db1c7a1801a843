"""From a record in the vendor's shape to a session in the common form.

One `Normaliser` serves many records: it works out once for each set of names where everything
stands, so that a record costs some microseconds. It never raises; whatever cannot be taken comes
back as a `Rejection`.
"""

import hashlib
from datetime import datetime, timedelta
from functools import lru_cache

from . import registry
from .columns import Columns
from .outcome import Normal, reject, shorten
from .profile import FIELDS, Profile
from .values import (
    NOTE_LIMIT,
    UTC,
    BadValue,
    clean_line,
    clean_text,
    duration,
    email_address,
    identity,
    is_blank,
    local_to_utc,
    wall_time,
    zone_info,
)

# Clocks of technicians and tools differ, but not by more than a day.
TOLERANCE = timedelta(hours=24)
EARLIEST = datetime(1990, 1, 1)
LONGEST = timedelta(days=366)

_SHAPES_KEPT = 256
_INDEX = {field: index for index, field in enumerate(FIELDS)}
_NO = frozenset({'false', 'no', 'n', '0', 'off'})
_YES = frozenset({'true', 'yes', 'y', '1', 'on'})


def utc_now():
    return datetime.now(UTC).replace(tzinfo=None)


def normalise(record, source, *, tz=None, mapping=None, now=None):
    """Return a record of `source` as a `Normal`, or as a `Rejection` saying why not.

    :param record: what the source wrote for one session; anything at all may come
    :param source: name of a registered source, or a `Profile`
    :param tz: IANA name of the zone of times that carry none, where the source writes such
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
        self._shapes = {}
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

    def __call__(self, record, now=None):
        if self._problem is not None:
            return self._problem
        if not isinstance(record, dict):
            return reject('record', 'not_object', record)
        try:
            return self._read(record, now or utc_now())
        except Exception as error:  # noqa: BLE001 - the last guard: one record, never the batch
            return reject('record', 'unreadable', type(error).__name__)

    def _read(self, record, now):
        names = tuple(record)
        shape = self._shapes.get(names)
        if shape is None:
            if len(self._shapes) >= _SHAPES_KEPT:
                self._shapes.clear()
            shape = self._shapes[names] = self._columns.shape(record)
        reading = _Reading(self, record, shape)
        try:
            external_id = reading.external_id()
            started_at, wall = reading.started_at(now)
            ended_at = reading.ended_at(started_at, wall, now)
        except _Rejected as rejected:
            return rejected.args[0]
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
        if external_id is None:
            external_id = self._derived_id(normal, wall)
            if external_id is None:
                labels = ', '.join(self._columns.labels[name] for name in self.profile.identity)
                label = self._columns.labels['external_id']
                return reject(label, 'no_identity', fields=labels)
            normal = normal._replace(external_id=external_id)
        if self.profile.refine:
            return self.profile.refine(record, normal)
        return normal

    def _derived_id(self, normal, wall):
        """Return an ID made of the wall time of the start and the identity's fields, or None.

        The wall time, not the instant: importing again with another zone must not double it.
        """
        parts = [getattr(normal, name) for name in self.profile.identity]
        if not any(parts):
            return None
        text = '\x1f'.join((wall.isoformat(), *(part.casefold() for part in parts)))
        return 'd-' + hashlib.sha256(text.encode()).hexdigest()[:32]


class _Rejected(Exception):
    """Carries a `Rejection` out of the reading of a record."""


class _Reading:
    """One record, being read."""

    __slots__ = ('columns', 'options', 'owner', 'profile', 'record', 'shape')

    def __init__(self, owner, record, shape):
        self.owner = owner
        self.profile = owner.profile
        self.columns = owner._columns
        self.options = owner._options
        self.record = record
        self.shape = shape

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
        return clean_line(value) if value is not None else ''

    def email(self, field):
        value = self.take(field)[0]
        return email_address(value) if value is not None else ''

    def note(self):
        value = self.take('note')[0]
        return clean_text(value, NOTE_LIMIT) if value is not None else ''

    def external_id(self):
        """Return the ID; None when the source has no such column and it is to be derived."""
        value, name = self.take('external_id')
        if value is None and not self.shape[_INDEX['external_id']] and self.profile.identity:
            return None
        try:
            found = identity(value)
        except BadValue as bad:
            raise _Rejected(reject(name, bad.code, value, limit=255)) from None
        if not found:
            raise _Rejected(reject(name, 'no_id', value))
        return found

    def started_at(self, now):
        value, name = self.take('started_at')
        counts = self.options['time_unit']
        if is_blank(value) or (counts and value in {0, '0'} if _plain(value) else False):
            raise _Rejected(reject(name, 'no_start', value))
        moment, wall = self.moment(value, name)
        if moment < EARLIEST:
            raise _Rejected(_timed(name, 'too_early', value, moment))
        if moment > now + TOLERANCE:
            raise _Rejected(_timed(name, 'ahead', value, moment))
        return moment, wall

    def ended_at(self, started_at, start_wall, now):
        """Return the end, None while it runs."""
        running = self.take('running')[0]
        if running is not None and _word(running) in _YES:
            return None
        value, name = self.take('ended_at')
        # Nought, minus one and false stand for “not yet”.
        if is_blank(value) or (_plain(value) and value in {0, -1, '0', '-1'}):
            value, name = self.take('duration')
            if is_blank(value):
                return None
            seconds = self._duration(value, name)
            if not seconds and self.shape[_INDEX['ended_at']]:
                return None
            if seconds > LONGEST.total_seconds():
                raise _Rejected(reject(name, 'too_long', value))
            ended_at = started_at + timedelta(seconds=seconds)
        else:
            ended_at, wall = self.moment(value, name)
            if ended_at < started_at and wall is not None and wall != ended_at:
                # The hour that the clock shows twice: begun in the first, ended in the second.
                later = local_to_utc(wall, self._zone(name, value), fold=1)
                ended_at = max(later, ended_at)
            if ended_at < started_at:
                start, start_name = self.take('started_at')
                raise _Rejected(
                    reject(name, 'reversed', value, start_field=start_name, start=shorten(start))
                )
        if ended_at > now + TOLERANCE:
            raise _Rejected(_timed(name, 'ahead', value, ended_at))
        if ended_at - started_at > LONGEST:
            raise _Rejected(_timed(name, 'too_long', value, ended_at))
        return ended_at

    def _duration(self, value, name):
        try:
            return duration(value, self.options['duration_unit'])
        except BadValue as bad:
            raise _Rejected(reject(name, bad.code, value)) from None

    def moment(self, value, name):
        """Return an instant in UTC and its wall time in the source's zone."""
        try:
            wall, aware = wall_time(value, self.options['time_unit'], self.options['date_order'])
            if aware or self.profile.naive == 'utc':
                return wall, wall
            return local_to_utc(wall, self._zone(name, value)), wall
        except BadValue as bad:
            raise _Rejected(reject(name, bad.code, value)) from None

    def _zone(self, name, value):
        given, zone_name = self.take('tz')
        if is_blank(given):
            if self.owner._zone is None:
                raise _Rejected(reject(name, 'no_zone', value))
            return self.owner._zone
        try:
            return zone_info(given)
        except BadValue as bad:
            raise _Rejected(reject(zone_name, bad.code, given)) from None

    def kind(self):
        value = self.take('kind')[0]
        if value is None:
            return self.profile.kind
        return self.profile.kinds.get(_word(value), self.profile.kind)

    def billable(self):
        """Return None, or False and why."""
        value, name = self.take('billable')
        if value is None:
            return None, ''
        word = _word(value)
        if word in self.profile.not_billable:
            return False, self.profile.not_billable[word]
        if not self.profile.not_billable and word in _NO:
            return False, f'{name}: {clean_line(value)}'
        return None, ''


def _plain(value):
    return isinstance(value, int | float | str)


def _word(value):
    return clean_line(str(value) if isinstance(value, bool) else value, 64).casefold()


def _timed(name, code, value, moment):
    """Return a rejection that also shows which instant a number stands for."""
    rejection = reject(name, code, value)
    if not isinstance(value, str):
        rejection.params['value'] += f' ({moment} UTC)'
    return rejection
