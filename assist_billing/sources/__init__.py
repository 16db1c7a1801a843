"""Where sessions come from: one small file for each remote-support tool. Plain Python.

`normalise(record, source)` brings a record of a tool into the common form of all; `read_file`,
`read_json`, `read_csv` and `read_xlsx` bring a file into records; `register(profile)` makes
another tool known.
"""

from .cells import inert_cell, plain_cell
from .devices import (
    DEVICE_FIELDS,
    Device,
    DeviceRepeats,
    device_notes,
    device_reader,
    is_row_of_sums,
    read_device,
    recognise_devices,
    reject_device,
    suggest_device_mapping,
)
from .normaliser import DERIVED_ID, is_derived, normalise, normaliser
from .outcome import Normal, Note, ReadError, Reading, Rejection, reject, shorten
from .profile import FIELDS, KINDS, OPTIONS, Profile
from .encodings import ENCODINGS
from .inference import infer, value_at
from .json_shapes import out_of_event
from .messages import DEVICE_LABELS, LABELS, Label
from .reader import read_file, read_html, read_json, read_xml
from .repeats import (
    TOLD,
    Labels,
    Repeats,
    is_other_number,
    is_other_session,
    is_same_session,
    reject_alike,
    reject_known,
)
from .registry import get, names, profiles, recognise, register
from .tables import MAX_BYTES, read_csv, read_xlsx, suggest_mapping
from .writer import write_rejected

# isort: split
# Each of these registers itself; the order is that of lists shown to people.
from . import (
    zoho_assist,
    teamviewer,
    anydesk,
    rustdesk,
    take_control,
    screenconnect,
    generic,
    splashtop,
    isl_online,
    meshcentral,
    tactical_rmm,
    beyondtrust,
    logmein_rescue,
    goto_resolve,
    guacamole,
    intune_remote_help,
    jamf_remote_assist,
    syncro,
    atera,
    ninjaone,
    toggl,
    clockify,
    kimai,
    harvest,
)

__all__ = [
    'DERIVED_ID',
    'DEVICE_FIELDS',
    'DEVICE_LABELS',
    'ENCODINGS',
    'FIELDS',
    'KINDS',
    'LABELS',
    'MAX_BYTES',
    'OPTIONS',
    'TOLD',
    'Device',
    'DeviceRepeats',
    'Label',
    'Labels',
    'Normal',
    'Note',
    'Profile',
    'ReadError',
    'Reading',
    'Rejection',
    'Repeats',
    'device_notes',
    'device_reader',
    'get',
    'inert_cell',
    'infer',
    'is_derived',
    'is_other_number',
    'is_other_session',
    'is_row_of_sums',
    'is_same_session',
    'names',
    'normalise',
    'normaliser',
    'out_of_event',
    'plain_cell',
    'profiles',
    'read_csv',
    'read_device',
    'read_file',
    'read_html',
    'read_json',
    'read_xlsx',
    'read_xml',
    'recognise',
    'recognise_devices',
    'register',
    'reject',
    'reject_alike',
    'reject_device',
    'reject_known',
    'shorten',
    'suggest_device_mapping',
    'suggest_mapping',
    'value_at',
    'write_rejected',
]
