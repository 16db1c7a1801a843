from . import account_move
from . import account_move_line
from . import invoice_vals
from . import fast_sources
from . import fast_rule
from . import fast
from . import rounding
from . import complete_values
