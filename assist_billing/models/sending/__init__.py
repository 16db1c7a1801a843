from . import account_move_send
from . import delivery
from . import queue
from . import mail_mail
