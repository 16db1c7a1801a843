"""Clockify: the detailed report as CSV or workbook, and time entries of its API.

Known from Clockify's exports and documented API: the file has Project, Client, Description, Task,
User, Group, Email, Tags, Billable, Start Date, Start Time, End Date, End Time, Duration (h),
Duration (decimal), in the zone and the order of dates that are set in the workspace, and a row of
totals. The API answers `timeentries` or a list, each with `id` or `_id` and `timeInterval` (start,
end, duration as PT30M). The file numbers no entries. The e-mail address is the user's. In German
the same columns are Projekt, Kunde, Beschreibung, Benutzer, Email …
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
            'started_at': ('timeInterval.start', 'Start Time', 'Start Date', 'Startzeit'),
            'ended_at': ('timeInterval.end', 'End Time', 'End Date', 'Endzeit'),
            'duration': ('Duration (h)', 'Duration (decimal)', 'Dauer (h)', 'Dauer (dezimal)'),
            'technician': (
                'Email',
                'userEmail',
                'E-Mail',
                'User',
                'userName',
                'Benutzer',
                'userId',
            ),
            'customer_name': ('Client', 'clientName', 'Kunde'),
            'group': ('Project', 'projectName', 'Projekt'),
            'note': ('Description', 'Beschreibung'),
            'billable': ('Billable', 'Abrechenbar'),
        },
        pairs={
            'started_at': (('Start Date', 'Start Time'), ('Startdatum', 'Startzeit')),
            'ended_at': (('End Date', 'End Time'), ('Enddatum', 'Endzeit')),
        },
        identity=('technician', 'note'),
        signatures=(
            {'User', 'Email', 'Client', 'Start Date', 'Start Time', 'Duration (h)'},
            {'User', 'Email', 'Client', 'Start Date', 'Start Time', 'Duration (decimal)'},
            {'Benutzer', 'Email', 'Kunde', 'Projekt', 'Startdatum', 'Startzeit', 'Abrechenbar'},
            {'Benutzer', 'E-Mail', 'Kunde', 'Projekt', 'Startdatum', 'Startzeit', 'Abrechenbar'},
            {'timeInterval', 'description', 'billable'},
        ),
        envelope=('timeentries',),
    )
)
