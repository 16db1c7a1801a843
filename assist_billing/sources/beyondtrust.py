"""BeyondTrust Remote Support: the reports SupportSession and the like, as XML.

Documented by BeyondTrust (Reporting API): a `session` with the attribute `lsid`, `session_type`,
`start_time` and `end_time` with the seconds since 1970 in the attribute `timestamp`, `duration`,
`external_key`, `primary_customer`, `primary_rep`, `jump_group`, and lists of customers (`username`,
`hostname`) and representatives. A session that runs has no end.

Names are those of the elements' ways (`markup.xml_records`).
"""

from .profile import Profile
from .registry import register

PROFILE = register(
    Profile(
        name='beyondtrust',
        label="BeyondTrust",
        time_unit='s',
        columns={
            'external_id': ('lsid',),
            'kind': ('session_type',),
            'started_at': ('start_time@timestamp', 'start_time'),
            'ended_at': ('end_time@timestamp', 'end_time'),
            'duration': ('duration',),
            'technician': (
                'primary_rep',
                'rep_list.representative.display_name',
                'rep_list.representative.username',
                'Primary Representative',
                'Representative',
            ),
            'customer_name': ('primary_customer', 'customer_list.customer.username'),
            'customer_ref': ('external_key',),
            'device_name': ('customer_list.customer.hostname', 'Hostname', 'Computer Name'),
            'group': ('jump_group',),
            'note': ('customer_list.customer.issue', 'issue'),
        },
        kinds={'support': 'remote_support', 'presentation': 'screen_share'},
        signatures=({'lsid', 'start_time'}, {'lsid', 'session_type'}),
        envelope=('session_list', 'session'),
    )
)
