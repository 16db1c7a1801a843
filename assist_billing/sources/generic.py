"""Any other file: CSV, XLSX or JSON with headings that a person understands.

The names are this product's own field names and the common words of session lists; blanks, case
and punctuation do not matter. Every session needs an ID. Where a file has none, a mapping can
join columns to one: {'external_id': ['Start', 'User', 'Computer']}.
"""

from .profile import KINDS, Profile
from .registry import register

# Common words of session lists, for profiles whose vendor does not publish his headings.
COMMON = {
    'external_id': ('external_id', 'session_id', 'connection_id', 'record_id', 'id', 'guid'),
    'kind': ('kind', 'session_type', 'type'),
    'started_at': ('started_at', 'start_time', 'start', 'started', 'start_date', 'begin', 'from'),
    'ended_at': ('ended_at', 'end_time', 'end', 'ended', 'end_date', 'stop_time', 'until'),
    'duration': ('duration', 'duration_seconds', 'total_time', 'length'),
    'running': ('running',),
    'tz': ('tz', 'timezone', 'time_zone'),
    'technician': (
        'technician_email', 'technician', 'technician_name', 'agent', 'operator', 'user_email',
        'username', 'user', 'host',
    ),
    'customer_email': ('customer_email', 'client_email', 'email'),
    'customer_name': ('customer_name', 'customer', 'client_name', 'client', 'company'),
    'customer_ref': ('customer_ref', 'customer_number', 'customer_no', 'customer_id'),
    'device_ref': ('device_ref', 'device_id', 'computer_id', 'remote_id'),
    'device_name': ('device_name', 'device', 'computer_name', 'computer', 'hostname', 'machine'),
    'group': ('group', 'group_name'),
    'department': ('department', 'department_name'),
    'note': ('note', 'notes', 'comment', 'description'),
    'billable': ('billable',),
}  # fmt: skip

PROFILE = register(
    Profile(
        name='csv',
        label="File",
        time_unit='auto',
        naive='local',
        columns=COMMON,
        kinds={
            **{kind: kind for kind in KINDS},
            'remote support': 'remote_support',
            'unattended access': 'unattended',
            'screen sharing': 'screen_share',
            'augmented reality': 'ar',
        },
        signatures=({'external_id', 'started_at'},),
        envelope=('sessions', 'records', 'items', 'results', 'data', 'list'),
    )
)
