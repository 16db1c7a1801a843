from . import assist_billing_cycle
from . import assist_billing_run
from . import res_config_settings
