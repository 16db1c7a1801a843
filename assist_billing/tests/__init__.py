from . import (
    test_access,
    test_bad_input,
    test_closing,
    test_invoices,
    test_matching,
    test_taking_back,
)
