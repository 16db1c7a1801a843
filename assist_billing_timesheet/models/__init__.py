from . import res_company
from . import res_config_settings
from . import assist_billing_association
from . import assist_session
from . import timesheet_of_session
from . import account_analytic_line
from . import assist_billing_margin
