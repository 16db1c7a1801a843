"""Microsoft Intune Remote Help: the report of sessions.

Known from answers of Microsoft Graph's reports: columns (`Schema`) and rows (`Values`) apart, with
SessionId, HelperUpn, SharerUpn, DeviceName, SessionStartTime and SessionEndTime, in UTC without a
mark. The helper is the technician, the sharer the customer's side.
"""

from .profile import Profile
from .registry import register

PROFILE = register(
    Profile(
        name='intune_remote_help',
        label="Intune Remote Help",
        columns={
            'external_id': ('SessionId',),
            'kind': ('SessionType',),
            'started_at': ('SessionStartTime', 'Start Time'),
            'ended_at': ('SessionEndTime', 'End Time'),
            'technician': (
                'HelperUpn',
                'HelperEmail',
                'HelperName',
                'ProviderEmail',
                'ProviderName',
            ),
            'customer_email': ('SharerUpn', 'SharerEmail', 'RecipientEmail'),
            'customer_name': ('SharerName', 'RecipientName'),
            'device_ref': ('DeviceId',),
            'device_name': ('DeviceName',),
        },
        kinds={'unattended': 'unattended'},
        signatures=(
            {'SessionId', 'HelperUpn'},
            {'SessionId', 'SharerUpn'},
            {'SessionId', 'HelperName', 'SharerName'},
            {'SessionId', 'ProviderName', 'RecipientName'},
        ),
    )
)
