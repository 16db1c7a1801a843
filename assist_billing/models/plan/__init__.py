from . import assist_billing_plan
from . import assist_billing_plan_screen
from . import assist_billing_association
from . import assist_billing_association_check
from . import assist_billing_association_screen
from . import association_state
from . import assist_billing_suspension
