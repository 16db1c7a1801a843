from . import assist_intake
from . import session_source
from . import session_ingest
from . import session_mapping
from . import assist_session_import_record
from . import import_undo
from . import device_source
from . import device_ingest
