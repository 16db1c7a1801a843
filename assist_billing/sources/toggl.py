"""Toggl Track: the detailed report as CSV, and time entries of its API.

Documented by Toggl (Track API v9, detailed report): the CSV has User, Email, Client, Project, Task,
Description, Billable, Start date, Start time, End date (or Stop date), Duration, Tags, in the zone
of the account; the API answers `id`, `start` and `stop` with their offset, `duration` in seconds
(negative while it runs), `description`, `billable`. The CSV numbers no entries. The e-mail address
is the user's.

Its Reports API v3 (`POST /workspace/…/search/time_entries`) answers a list of groups: what their
`time_entries` (`id`, `seconds`, `start`, `stop`) have in common stands around them (`username`,
`client_name`, `project_name`, `description`, `billable`).
"""

from .profile import Profile
from .registry import register

PROFILE = register(
    Profile(
        name='toggl',
        label="Toggl Track",
        naive='local',
        columns={
            'external_id': ('id',),
            'started_at': ('start', 'Start time', 'Start date'),
            'ended_at': ('stop', 'End time', 'Stop time', 'End date', 'Stop date'),
            'technician': ('Email', 'User', 'Member', 'user_name', 'username', 'user_id'),
            'customer_name': ('Client', 'client_name'),
            'group': ('Project', 'project_name'),
            'note': ('Description',),
            'billable': ('Billable',),
        },
        pairs={
            'started_at': (('Start date', 'Start time'),),
            'ended_at': (('End date', 'End time'), ('Stop date', 'Stop time')),
        },
        identity=('technician', 'note'),
        signatures=(
            {'User', 'Email', 'Client', 'Project', 'Start date', 'Start time', 'Duration', 'Tags'},
            {'Member', 'Email', 'Project', 'Start date', 'Start time', 'Stop date', 'Stop time'},
            {'id', 'start', 'stop', 'workspace_id'},
            {'id', 'start', 'stop', 'seconds', 'at'},
        ),
        envelope=('time_entries',),
    )
)
