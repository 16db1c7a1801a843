from . import assist_session
from . import session_resolve
from . import assist_device
