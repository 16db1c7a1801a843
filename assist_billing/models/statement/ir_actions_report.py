import io
import re
from contextlib import closing

from odoo import models
from odoo.tools.image import image_data_uri

from odoo.addons.base.models.ir_actions_report import _wkhtml

from ...report.stationery import Stationery, keep_sums

SO_FAR_REPORT = 'assist_billing.report_so_far'
# The reports of our own; the others are Odoo's invoices.
STATEMENT_REPORTS = ('assist_billing.report_statement', SO_FAR_REPORT)


class IrActionsReport(models.Model):
    """Print bills one by one, and with a letterhead by a wkhtmltopdf that knows none.

    wkhtmltopdf as Debian builds it (unpatched Qt) converts one document at a time, drops page
    headers and footers, repeats no table heads and cuts rows in two.
    """

    _inherit = 'ir.actions.report'

    # === WHAT IS NOT STORED === #

    def _render_template(self, template, values=None):
        # EXTENDS base: the bill so far is made in order to be printed, and undone
        if template != SO_FAR_REPORT:
            return super()._render_template(template, values)
        with closing(self.env.cr.savepoint()):
            return super()._render_template(template, values)

    # === WHAT ODOO SHOWS UNTIL A LOGO IS CHOSEN === #

    def _render_qweb_html(self, report_ref, docids, data=None):
        # EXTENDS base: “Your logo” is for who sets up, not for customers
        html, kind = super()._render_qweb_html(report_ref, docids, data=data)
        if html and self._assist_is_about_bills(report_ref, docids):
            documents = self.env[self._get_report(report_ref).model].browse(docids)
            # sudo: whoever may print a bill sees the logo of its company
            for company in documents.sudo().company_id.filtered('uses_default_logo'):
                if company.logo:
                    source = re.escape(image_data_uri(company.logo).encode())
                    html = re.sub(rb'<img\b[^>]*\bsrc="%s"[^>]*>' % source, b'', html)
        return html, kind

    # === ONE BY ONE === #

    def _render_qweb_pdf_prepare_streams(self, report_ref, data, res_ids=None):
        # EXTENDS base: a batch with bills in it is rendered document by document, which the
        # unpatched wkhtmltopdf needs, and which spares the other one from taking apart again
        # what it has put into one file
        if not self._assist_is_about_bills(report_ref, res_ids):
            return super()._render_qweb_pdf_prepare_streams(report_ref, data, res_ids=res_ids)
        # What else is printed of a bill, such as a payment slip, has a sheet of its own.
        has_statement = self._assist_is_with_statement(report_ref)
        is_patched = _wkhtml().is_patched_qt
        report = self.with_context(
            assist_stationery=has_statement and not is_patched,
            assist_keep_sums=has_statement and is_patched,
        )
        streams = {}
        for res_id in res_ids:
            if res_id not in streams:
                streams |= super(IrActionsReport, report)._render_qweb_pdf_prepare_streams(
                    report_ref, dict(data or {}), res_ids=[res_id]
                )
        if len(res_ids) == len(streams):
            return streams
        # The same document asked for twice is printed twice; Odoo then wants them as one file.
        copies = [io.BytesIO(streams[res_id]['stream'].getvalue()) for res_id in res_ids]
        return {False: {'stream': self._merge_pdfs(copies), 'attachment': None}}

    def _assist_is_about_bills(self, report_ref, res_ids):
        """Tell whether a report prints our statement, or something of documents of ours."""
        if not res_ids:
            return False
        report = self._get_report(report_ref)
        if report.model != 'account.move':
            return report.report_name in STATEMENT_REPORTS
        return any(self.env['account.move'].browse(res_ids).mapped('assist_kind'))

    def _assist_is_with_statement(self, report_ref):
        """Tell whether a report prints our statement, of whatever is about bills."""
        name = self._get_report(report_ref).report_name
        return name in STATEMENT_REPORTS or self._is_invoice_report(report_ref)

    # === LETTERHEAD === #

    def _run_wkhtmltopdf(
        self,
        bodies,
        report_ref=False,
        header=None,
        footer=None,
        landscape=False,
        specific_paperformat_args=None,
        set_viewport_size=False,
    ):
        # EXTENDS base
        options = {
            'report_ref': report_ref,
            'landscape': landscape,
            'set_viewport_size': set_viewport_size,
        }
        if self.env.context.get('assist_keep_sums'):
            bodies = [keep_sums(body) for body in bodies]
        if not self.env.context.get('assist_stationery'):
            return super()._run_wkhtmltopdf(
                bodies,
                header=header,
                footer=footer,
                specific_paperformat_args=specific_paperformat_args,
                **options,
            )
        paper = (self._get_report(report_ref) if report_ref else self).get_paperformat()
        stationery = Stationery(paper, landscape, specific_paperformat_args or {})
        content = super()._run_wkhtmltopdf(
            [stationery.prepare_body(body) for body in bodies],
            specific_paperformat_args=specific_paperformat_args,
            **options,
        )
        pages = super(
            IrActionsReport, self.with_context(assist_stationery='sheets')
        )._run_wkhtmltopdf(
            [stationery.make_sheets(header, footer, stationery.count_pages(content))],
            specific_paperformat_args={
                **(specific_paperformat_args or {}),
                'data-report-margin-top': 0,
                'data-report-margin-bottom': 0,
            },
            **options,
        )
        return stationery.put_on(content, pages)

    def _build_wkhtmltopdf_args(self, *args, **kwargs):
        # EXTENDS base: sheets have no script worth waiting for
        arguments = super()._build_wkhtmltopdf_args(*args, **kwargs)
        if self.env.context.get('assist_stationery') == 'sheets':
            arguments[arguments.index('--javascript-delay') + 1] = '1'
        return arguments
