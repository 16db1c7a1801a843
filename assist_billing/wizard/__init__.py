from . import account_move_reversal, assist_session_import, assist_waive_cycle, base_partner_merge
