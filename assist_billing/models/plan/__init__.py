from . import assist_billing_plan
from . import assist_billing_association
from . import association_state
from . import assist_billing_suspension
