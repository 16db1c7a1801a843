from . import assist_billing_run
from . import assist_billing_run_line
from . import close
from . import close_fees
