from . import assist_billing_cycle
from . import assist_billing_cycle_device
from . import assist_billing_cycle_prior
from . import assist_session_part
from . import assist_billing_cycle_fee
