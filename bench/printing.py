"""The PDF of a bill with its statement, as it is downloaded; run inside Odoo."""

import time
from contextlib import contextmanager

from odoo.http import root
from odoo.service.server import ThreadedServer
from odoo.tools import config

from . import data


def print_bills(env, counts):
    """Bill one customer month after month, and make a PDF of each bill.

    :param list counts: so many sessions are on each of the bills
    :return: of each bill the seconds by the wall, those of this process's processor among them,
        and bytes
    """
    first = data.prepare(env, due=1)
    answers = []
    with _serving(env):
        # The first one compiles the style sheets, and does not count.
        for month, count in enumerate((1, *counts)):
            data.add_due_sessions(env, first, month, 1, count)
            env.cr.commit()
            env['assist.billing.cycle']._cron_close_cycles(now=data.get_due_date(month))
            bill = env['account.move'].search(
                [('assist_cycle_id', '!=', False)], order='id desc', limit=1
            )
            if bill.assist_cycle_id.session_count != count:
                raise ValueError(
                    f"{bill.assist_cycle_id.session_count} of {count} sessions were billed."
                )
            env.cr.commit()
            env.invalidate_all()
            began, cpu = time.perf_counter(), time.process_time()
            content, _kind = (
                env['ir.actions.report']
                .with_context(force_report_rendering=True)
                ._render_qweb_pdf('account.account_invoices', bill.ids)
            )
            answers.append(
                {
                    'seconds': time.perf_counter() - began,
                    'cpu': time.process_time() - cpu,
                    'bytes': len(content),
                }
            )
    return answers[1:]


@contextmanager
def _serving(env):
    """Serve what the maker of the PDF asks Odoo for, to this machine alone."""
    config['http_interface'], config['http_port'] = '127.0.0.1', 0  # any port that is free
    server = ThreadedServer(root)
    server.http_spawn()
    env['ir.config_parameter'].set_param(
        'report.url', f'http://127.0.0.1:{server.httpd.server_port}'
    )
    try:
        yield
    finally:
        server.httpd.shutdown()
        server.httpd.server_close()
