from . import assist_billing_run
from . import assist_billing_run_line
from . import run_selection
from . import closing_run
from . import close
from . import late
from . import unbilled
