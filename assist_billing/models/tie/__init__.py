from . import assist_billing_tie
from . import assist_billing_tie_line
from . import session_checks
from . import cycle_checks
from . import bill_checks
from . import part_checks
from . import fee_checks
