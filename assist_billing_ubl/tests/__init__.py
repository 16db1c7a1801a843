from . import test_einvoices
