"""Kimai: time sheets of its API, `GET /api/timesheets`, and its exports.

Documented by Kimai (API, Export): the API answers `id`, `begin` and `end` with their offset,
`duration` in seconds, `description`, `billable`, `exported`, and `user`, `project`, `activity` as
numbers or objects; exports have a date, begin, end and duration in columns of their own, with
headings in the user's language, of which the common words are looked for. They number no entries.
"""

from .generic import GENERIC_KINDS, IDENTITY
from .headings import COMMON, PAIRS
from .profile import Profile
from .registry import register

PROFILE = register(
    Profile(
        name='kimai',
        label="Kimai",
        naive='local',
        duration_unit='s',
        columns={
            **COMMON,
            'technician': (
                'user.email',
                'user.username',
                'user.alias',
                'E-mail',
                *COMMON['technician'],
            ),
            'customer_email': (),
            'customer_name': (
                'project.customer.name',
                'customer.name',
                *COMMON['customer_name'],
            ),
            'group': ('project.name', 'project', 'Projekt', 'Projet', 'Proyecto', 'Progetto'),
            'note': ('description', *COMMON['note']),
            'kind': (),
        },
        pairs=PAIRS,
        kinds=GENERIC_KINDS,
        identity=(*IDENTITY, 'note'),
        signatures=(
            {'id', 'begin', 'end', 'activity', 'project', 'exported'},
            {'Date', 'Begin', 'End', 'Project', 'Activity', 'Exported'},
            {'Datum', 'Beginn', 'Ende', 'Projekt', 'Tätigkeit', 'Exportiert'},
        ),
    )
)
