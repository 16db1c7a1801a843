from . import assist_bill_maker
