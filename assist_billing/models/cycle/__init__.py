from . import assist_billing_cycle
from . import assist_billing_cycle_device
from . import assist_billing_cycle_prior
