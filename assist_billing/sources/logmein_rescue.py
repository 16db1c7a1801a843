"""LogMeIn Rescue: the report of sessions, as its API answers it or as a file.

Documented by LogMeIn (Rescue API, getReport): “OK”, an empty line, then a table with the columns
below, separated by bars unless another delimiter was set. Dates have the month first; times are in
the zone that was set by `setTimezone`, UTC unless somebody did. “Your Name:” is what the customer
filled in: the fields of that form can be named otherwise, and then are set under Columns.
"""

from .profile import Profile
from .registry import register

PROFILE = register(
    Profile(
        name='logmein_rescue',
        label="LogMeIn Rescue",
        date_order='us',
        columns={
            'external_id': ('Session ID',),
            'started_at': ('Start Time',),
            'ended_at': ('End Time',),
            'duration': ('Total Time',),
            'technician': ('Technician Email', 'Technician Name', 'Technician ID'),
            'customer_name': ('Your Name:', 'Name:', 'Customer Name', 'Company:'),
            'customer_email': ('Email:', 'E-mail:', 'Your Email:', 'Customer Email'),
            'device_ref': ('Device ID',),
            'group': ('Channel Name',),
            'note': ('Notes', 'Note', 'Describe your problem:', 'Comment:'),
        },
        signatures=(
            {'Start Time', 'Technician ID', 'Session ID', 'Waiting Time'},
            {'Start Time', 'Technician Name', 'Session ID', 'Calling Card'},
            {'Start Time', 'Technician Name', 'Session ID', 'Channel Name'},
            {'Start Time', 'Technician Name', 'Session ID', 'Incident Tools Used'},
        ),
    )
)
