"""Any other file: a table, workbook or list with headings that a person understands.

The names are this product's own field names and the common words of session lists in many
languages (`headings.py`); blanks, case, accents and punctuation do not matter. Where a file does
not number its sessions, start, end, customer, technician and device together tell them apart; or
a mapping joins columns to an ID: {'external_id': ['Start', 'User', 'Computer']}.

A ticket is no session: several are worked on it. So a ticket's number is never taken for an ID.
"""

from .headings import COMMON, PAIRS
from .profile import KINDS, Profile
from .registry import register

# Of profiles that read headings of all kinds.
GENERIC_KINDS = {
    **{kind: kind for kind in KINDS},
    'remote support': 'remote_support',
    'unattended access': 'unattended',
    'unattended': 'unattended',
    'access': 'unattended',
    'screen sharing': 'screen_share',
    'meeting': 'screen_share',
    'augmented reality': 'ar',
    **dict.fromkeys(
        ('on-site', 'on site', 'onsite', 'site visit', 'vor ort', 'vor-ort', 'sur site',
         'sur place', 'in situ', 'presencial', 'op locatie', 'in loco', 'in sede', 'no local'),
        'on_site'),
    **dict.fromkeys(
        ('telephone', 'phone call', 'call', 'telefon', 'telefonisch', 'anruf', 'appel', 'telefono',
         'llamada', 'telefoon', 'chiamata', 'telefone', 'chamada'), 'phone'),
    **dict.fromkeys(
        ('travel time', 'trip', 'anfahrt', 'fahrt', 'fahrtzeit', 'reisezeit', 'deplacement',
         'trajet', 'viaje', 'desplazamiento', 'reistijd', 'reis', 'viaggio', 'trasferta', 'viagem',
         'deslocacao', 'deslocamento'), 'travel'),
}  # fmt: skip
IDENTITY = ('technician', 'device_ref', 'device_name')

PROFILE = register(
    Profile(
        name='csv',
        label="File",
        time_unit='auto',
        naive='local',
        columns=COMMON,
        pairs=PAIRS,
        # A plain number can be seconds, minutes or hours.
        duration_unit=None,
        kinds=GENERIC_KINDS,
        identity=IDENTITY,
        signatures=({'external_id', 'started_at'},),
        envelope=('sessions', 'records', 'items', 'results', 'data', 'list'),
    )
)
