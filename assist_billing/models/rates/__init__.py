from . import assist_billing_band
from . import assist_billing_hours
from . import assist_technician_grade
from . import assist_billing_rate
from . import rate_card
from . import assist_billing_tier
from . import agreement
