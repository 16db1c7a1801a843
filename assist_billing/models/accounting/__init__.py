from . import taking_back
from . import adjust
from . import adjust_amounts
from . import confirm_payment
from . import adjust_spread
from . import account_payment
from . import account_tax
from . import rebill
