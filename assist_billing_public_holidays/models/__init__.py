from . import assist_billing_hours
