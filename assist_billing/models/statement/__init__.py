from . import shapes
from . import statement
from . import rows
from . import csv_table
from . import account_move_statement
from . import ir_actions_report
