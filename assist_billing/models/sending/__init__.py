from . import account_move_send
from . import delivery
from . import queue
from . import sent_status
from . import download
from . import transmission
from . import mail_mail
