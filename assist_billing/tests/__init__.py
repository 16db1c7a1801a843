# Odoo finds the tests that are imported here.
from .whole import (
    test_access,
    test_access_companies,
    test_access_first,
    test_access_matrix,
    test_accessible,
    test_bad_input,
    test_buttons,
    test_engine_fields,
    test_extension_points,
    test_get_started,
    test_grouped_lists,
    test_idle,
    test_needed_records,
    test_numbers,
    test_one_place,
    test_same_again,
    test_screens,
    test_shown_properties,
    test_sql_changes,
    test_told_in_language,
    test_tours,
    test_translations,
    test_views,
    test_wrong_types,
)
from .plan import (
    test_archived,
    test_associate,
    test_deleted_meanwhile,
    test_price_digits,
)
from .rates import (
    test_filling_hours,
    test_price_revisions,
    test_rate_card,
    test_rates_after,
    test_rates_given,
    test_rollover,
    test_simulation,
    test_tiers,
    test_versions,
)
from .fees import (
    test_fees,
    test_fees_after,
    test_fees_histories,
    test_fees_revised,
)
from .session import (
    test_matching,
    test_session_hand,
    test_session_statistics,
    test_times_by_hand,
)
from .ingest import (
    test_device_ingest,
    test_import_kinds,
    test_import_table,
    test_session_import,
    test_session_import_mapping,
    test_session_import_record,
    test_session_ingest,
    test_session_ingest_http,
    test_session_ingest_match,
    test_session_load,
    test_source_samples,
)
from .connector import (
    test_connector_access,
    test_connector_devices,
    test_connector_fetch,
    test_connector_protocol,
    test_connector_slow,
    test_connector_tools,
    test_inbound,
)
from .matching import (
    test_addresses_from_outside,
    test_matching_rules,
    test_unmatched,
)
from .closing import (
    test_bill_so_far,
    test_closing,
    test_closing_failures,
    test_cycles_without_bill,
    test_frozen_terms,
    test_histories,
    test_opening,
    test_run_book,
)
from .invoice import (
    test_bill_dates,
    test_derived,
    test_proof,
    test_fast_listeners,
    test_fast_path,
    test_fast_rule,
    test_invoices,
    test_line_rounding,
)
from .accounting import (
    test_add_charges,
    test_add_charges_amounts,
    test_add_charges_any_bill,
    test_add_charges_spread,
    test_bill_actions,
    test_payment,
    test_payment_as_shown,
    test_taking_back,
)
from .sending import (
    test_sending,
    test_sending_failures,
    test_sending_methods,
)
from .statement import (
    test_printed,
    test_statement,
    test_statement_pdf,
)
from .portal import (
    test_portal,
    test_portal_access,
)
from .tie import (
    test_tie,
    test_tie_broken,
)
