from odoo import fields, models


class AssistBillingRunLine(models.Model):
    """The figures of a run for one company and currency."""

    _name = 'assist.billing.run.line'
    _description = "Figures of a Billing Run"
    _inherit = ['assist.guard']
    _order = 'run_id, company_id, currency_id'

    # === FIELDS === #

    run_id = fields.Many2one(
        'assist.billing.run', required=True, readonly=True, index=True, ondelete='cascade'
    )
    company_id = fields.Many2one('res.company', required=True, readonly=True, index=True)
    currency_id = fields.Many2one('res.currency', required=True, readonly=True)
    due_count = fields.Integer(string="Due", readonly=True)
    closed_count = fields.Integer(string="Closed", readonly=True)
    invoice_count = fields.Integer(string="Bills", readonly=True)
    failed_count = fields.Integer(string="Failures", readonly=True)
    derived_count = fields.Integer(
        string="Derived",
        readonly=True,
        help="Bills that were derived from two others of the same shape, which Odoo had just made "
        "and which were compared with each other. It takes the least time, and the bills are the "
        "same.",
    )
    not_derived_reasons = fields.Text(
        string="Why Not Derived",
        readonly=True,
        help="Why bills that were made all at once could not be derived from each other.",
    )
    ordinary_count = fields.Integer(
        string="One by One",
        readonly=True,
        help="Bills that were made the ordinary way, as Odoo makes any invoice. It takes longer, "
        "and the bills are the same.",
    )
    ordinary_reasons = fields.Text(
        string="Why One by One",
        readonly=True,
        help="Why these bills could not be made all at once.",
    )
    amount_untaxed = fields.Monetary(string="Before Taxes", readonly=True)
    amount_total = fields.Monetary(string="Total", readonly=True)

    # === CONSTRAINTS === #

    _figures_unique = models.Constraint(
        "UNIQUE (run_id, company_id, currency_id)",
        "A run has its figures once for each company and currency.",
    )
