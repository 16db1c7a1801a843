"""Syncro: timers of tickets, `GET /api/v1/ticket_timers`.

Known from programs that use Syncro's API: the list under `ticket_timers`, each with `id`,
`ticket_id`, `user_id`, `start_time` and `end_time` with their offset, `active_duration` in seconds,
`billable`, `notes`. Whose ticket it is stands in the ticket, not in the timer: a program that sends
timers may add `customer_id`, `customer_name` or `customer_email`.

Not documented: the headings of its reports of timers; choose “Other file” for these.
"""

from .profile import Profile
from .registry import register

PROFILE = register(
    Profile(
        name='syncro',
        label="Syncro",
        naive='local',
        columns={
            'external_id': ('id',),
            'started_at': ('start_time',),
            'ended_at': ('end_time',),
            'duration': ('active_duration',),
            'technician': ('user_email', 'user_name', 'user_id'),
            'customer_email': ('customer_email',),
            'customer_name': ('customer_name', 'customer_business_then_name'),
            'customer_ref': ('customer_id',),
            'note': ('notes',),
            'billable': ('billable',),
        },
        signatures=(
            {'ticket_id', 'start_time', 'active_duration'},
            {'ticket_id', 'start_time', 'end_time', 'billable', 'user_id'},
        ),
        envelope=('ticket_timers',),
    )
)
