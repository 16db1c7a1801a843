from . import assist_matching_rule
from . import matching_rule_apply
from . import session_by_rules
from . import assist_unmatched
from . import unmatched_revenue
from . import unmatched_summary
from . import account_journal
from . import res_partner_address
