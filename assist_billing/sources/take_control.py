"""N-able Take Control and Dameware Remote Everywhere: the session history API.

Documented by N-able and SolarWinds (Configure Session History API): the caller chooses which of
the variables below are answered; times are written 2026-01-31 14:05:00 without a zone, so the
importer must name it. `CUSTOMER_NUMBER` is the customer's number in one's own company.

None of the variables is an ID. Start, technician and computer stand for it, so ask for the same
variables each time: TECH_USERNAME, COMPUTER_NAME, DATE_START and DATE_END at least.
"""

from .profile import Profile
from .registry import register

PROFILE = register(
    Profile(
        name='take_control',
        label="N-able Take Control",
        naive='local',
        columns={
            'started_at': ('DATE_START',),
            'ended_at': ('DATE_END',),
            'technician': ('TECH_USERNAME', 'TECH_NAME'),
            'customer_email': ('CUSTOMER_EMAIL',),
            'customer_name': ('CUSTOMER_NAME',),
            'customer_ref': ('CUSTOMER_NUMBER',),
            'device_name': ('COMPUTER_NAME',),
            'group': ('COMPUTER_DOMAIN',),
            'note': ('NOTES', 'PROBLEM_DESCRIPTION'),
        },
        identity=('technician', 'device_name'),
        signatures=(
            {'DATE_START', 'TECH_USERNAME'},
            {'DATE_START', 'TECH_NAME'},
            {'DATE_START', 'COMPUTER_NAME'},
            {'DATE_START', 'CUSTOMER_NUMBER'},
        ),
        envelope=('sessions', 'history'),
    )
)
