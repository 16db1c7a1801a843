from . import account_edi_proxy_user
from . import account_move
from . import account_move_send
