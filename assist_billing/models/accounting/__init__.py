from . import taking_back
from . import adjust
from . import confirm_payment
from . import assist_bill_adjuster
from . import account_payment
from . import account_tax
from . import rebill
