from . import assist_billing_plan_fee
from . import assist_billing_association_fee
from . import plan_fees
