from . import (
    test_access,
    test_bad_input,
    test_closing,
    test_invoices,
    test_matching,
    test_session_import,
    test_session_ingest,
    test_session_ingest_http,
    test_session_ingest_match,
    test_session_load,
    test_taking_back,
)
