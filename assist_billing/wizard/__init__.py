from . import account_move_reversal
from . import assist_add_charges
from . import assist_confirm_payment
from . import assist_session_import
from . import assist_waive_cycle
from . import base_partner_merge
from . import assist_statement
