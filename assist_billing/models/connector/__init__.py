from . import assist_connector
from . import fetch_sessions
from . import fetch_devices
from . import errors_in_words
from . import assist_connector_rejection
from . import write_back
from . import assist_inbound_key
