"""Harvest: the detailed time report as CSV or workbook.

Known from Harvest's help (Time report): the file has Date, Client, Project, Project Code,
Task, Notes, Hours, Hours Rounded, Billable?, Invoiced?, First Name, Last Name, Employee? and, where
an account notes from when to when somebody worked, Started At and Ended At, in the account's zone.
First and last name are the user's. Entries without a time of day are none of any hour: they are
refused in words. The file numbers no entries. What its API answers is read like any other file's.
"""

from .generic import GENERIC_KINDS
from .headings import COMMON, PAIRS
from .profile import Profile
from .registry import register

PROFILE = register(
    Profile(
        name='harvest',
        label="Harvest",
        naive='local',
        duration_unit='h',
        columns={
            **COMMON,
            'technician': ('First Name', 'Last Name', 'Employee'),
            'group': ('Project', *COMMON['group']),
            'note': ('Notes', *COMMON['note']),
        },
        pairs={**PAIRS, 'technician': (('First Name', 'Last Name'),)},
        kinds=GENERIC_KINDS,
        identity=('technician', 'note'),
        signatures=(
            {'Date', 'Client', 'Project', 'Task', 'Notes', 'Hours', 'First Name', 'Last Name'},
        ),
    )
)
