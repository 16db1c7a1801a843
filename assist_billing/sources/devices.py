"""Unattended devices: what a tool's list of devices says of each, in one common form.

Zoho Assist documents `key`, `computer_name`, `nick_name`, `status`, `created_time` (milliseconds)
and others (https://www.zoho.com/assist/api/unattendedcomputers.html). A record has no department:
whoever asks department by department adds `department_id`. Other tools' lists, and files, use the
common words below; blanks, case and punctuation do not matter.
"""

from datetime import timedelta
from itertools import islice
from typing import NamedTuple

from .messages import DEVICE
from .outcome import shorten
from .profile import fold
from .registry import names
from .values import (
    BadValue,
    clean_line,
    email_address,
    identity,
    is_blank,
    local_to_utc,
    wall_time,
    zone_info,
)

# A record is looked at up to this many names; more is no list of devices.
_NAMES_READ = 1_000
# Nothing was looked after before, and clocks do not differ by more than a day.
_EARLIEST_YEAR = 1990
_TOLERANCE = timedelta(hours=24)

COLUMNS = {
    'external_id': (
        'resource_id', 'urs_key', 'key', 'external_id', 'device_id', 'deviceid', 'remotecontrol_id',
        'cid', 'guid', 'id', 'computer_id',
    ),
    'name': (
        'nick_name', 'display_name', 'computer_name', 'computer_fullname', 'alias', 'device_name',
        'name', 'device', 'computer', 'hostname', 'serial_number',
    ),
    'customer_email': ('customer_email', 'email'),
    'customer_name': ('customer_name', 'customer'),
    'customer_ref': ('customer_ref', 'customer_number', 'customer_id'),
    'group': ('group_name', 'groupname', 'group', 'group_id', 'groupid'),
    'department': ('department_id', 'department', 'department_name'),
    'enrolled_at': ('created_time', 'enrolled_on', 'enrolled_at', 'created', 'created_at', 'added'),
    'status': ('status', 'device_status', 'state'),
}  # fmt: skip
_GONE = frozenset({'deleted', 'removed', 'uninstalled'})
_FOLDED = {field: tuple(map(fold, columns)) for field, columns in COLUMNS.items()}


class Device(NamedTuple):
    """An unattended device in the common form of all sources; absent texts are ''."""

    external_id: str
    name: str
    customer_email: str
    customer_name: str
    customer_ref: str
    group: str
    department: str
    enrolled_at: object  # naive UTC datetime, or a date of the customer's; None: not told
    gone: bool  # the source itself says that it is there no more


class DeviceRejection(NamedTuple):
    """Why a record is no device: the vendor's field, and a sentence that says what to do."""

    field: str
    code: str
    params: dict

    @property
    def template(self):
        """The sentence before its parameters are put in, for translation."""
        return DEVICE[self.code]


def reject_device(field, code, value=None):
    field = clean_line(field)
    return DeviceRejection(field, code, {'field': field, 'value': shorten(value)})


def read_device(record, source, tz, now):
    """Return the `Device` that a record of a source is, or a `DeviceRejection`; never raise.

    :param record: anything; a device is a dict
    :param str tz: IANA name of the zone of times without one
    :param datetime now: naive UTC
    """
    if source not in names():
        return reject_device('source', 'unknown_source', source)
    if not isinstance(record, dict):
        return reject_device('record', 'not_object', record)
    found = _find(record)
    label, value = found['external_id']
    try:
        external_id = identity(value)
    except BadValue:
        return reject_device(label, 'bad_id', value)
    if not external_id:
        return reject_device(label, 'no_id')
    label, value = found['enrolled_at']
    try:
        enrolled_at = None if is_blank(value) else _read_time(value, source, tz)
    except BadValue:
        return reject_device(label, 'bad_time', value)
    if enrolled_at and not (enrolled_at.year >= _EARLIEST_YEAR and enrolled_at <= now + _TOLERANCE):
        return reject_device(label, 'bad_time', value)
    texts = {
        field: clean_line(found[field][1])
        for field in ('name', 'customer_name', 'customer_ref', 'group', 'department', 'status')
    }
    return Device(
        external_id,
        texts['name'] or external_id,
        email_address(found['customer_email'][1]),
        texts['customer_name'],
        texts['customer_ref'],
        texts['group'],
        texts['department'],
        enrolled_at,
        texts['status'].casefold() in _GONE,
    )


def _find(record):
    """Return `{field: (the record's name for it, value)}`: the first of its names with a value."""
    folded = {}
    for key in islice(record, _NAMES_READ):
        if isinstance(key, str):
            folded.setdefault(fold(key), key)
    found = {}
    for field, columns in _FOLDED.items():
        present = [folded[column] for column in columns if column in folded]
        label = next((key for key in present if not is_blank(record[key])), None)
        label = label or (present or COLUMNS[field])[0]
        found[field] = (label, record.get(label))
    return found


def _read_time(value, source, tz):
    if isinstance(value, str) and len(value) == 10 and value[4] == '-':
        # A day is a day of the customer's: noon there is that day in its zone.
        value += ' 12:00:00'
    moment, aware = wall_time(value, 'ms' if source == 'zoho_assist' else 'auto')
    return moment if aware else local_to_utc(moment, zone_info(tz))
