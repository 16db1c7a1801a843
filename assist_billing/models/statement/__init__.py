from . import shapes
from . import assist_billing_statement
from . import account_move_statement
from . import ir_actions_report
