from . import engine_fields
from . import assist_billing_failure
from . import product_product
from . import account_chart_template
from . import res_company
from . import res_config_settings
from . import res_partner
from . import assist_billing_get_started
