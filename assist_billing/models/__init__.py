# In the order of the flow, which is also the order of overrides: a room may extend those above it.
from . import common
from . import plan
from . import rates
from . import fees
from . import session
from . import ingest
from . import connector
from . import matching
from . import cycle
from . import rating
from . import closing
from . import invoice
from . import accounting
from . import sending
from . import statement
from . import tie
