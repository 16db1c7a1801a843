"""Clockify: the detailed report as CSV or workbook, and time entries of its API.

Known from Clockify's exports and documented API: the file has Project, Client, Description, Task,
User, Group, Email, Tags, Billable, Start Date, Start Time, End Date, End Time, Duration (h),
Duration (decimal), in the zone and the order of dates that are set in the workspace, and a row of
totals. The API answers `timeentries` or a list, each with `id` or `_id` and `timeInterval` (start,
end, duration as PT30M). The file numbers no entries. The e-mail address is the user's.
"""

from .profile import Profile
from .registry import register

PROFILE = register(
    Profile(
        name='clockify',
        label="Clockify",
        naive='local',
        duration_unit='h',
        columns={
            'external_id': ('id', '_id'),
            'started_at': ('timeInterval.start', 'Start Time', 'Start Date'),
            'ended_at': ('timeInterval.end', 'End Time', 'End Date'),
            'duration': ('Duration (h)', 'Duration (decimal)'),
            'technician': ('Email', 'userEmail', 'User', 'userName', 'userId'),
            'customer_name': ('Client', 'clientName'),
            'group': ('Project', 'projectName'),
            'note': ('Description',),
            'billable': ('Billable',),
        },
        pairs={
            'started_at': (('Start Date', 'Start Time'),),
            'ended_at': (('End Date', 'End Time'),),
        },
        identity=('technician', 'note'),
        signatures=(
            {'User', 'Email', 'Client', 'Start Date', 'Start Time', 'Duration (h)'},
            {'User', 'Email', 'Client', 'Start Date', 'Start Time', 'Duration (decimal)'},
            {'timeInterval', 'description', 'billable'},
        ),
        envelope=('timeentries',),
    )
)
