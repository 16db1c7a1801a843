from odoo import api, fields, models
from odoo.tools import SQL, format_amount

# Of so many sessions the revenue at risk is reckoned while somebody looks; of more it is kept.
RATED_AT_MOST = 100


class AssistUnmatchedSummary(models.Model):
    """How many sessions of a company nobody can be billed for, and what they would bring.

    Looked at every day, after the matching rules were applied once more; while there are any,
    the billing manager has one activity.
    """

    _name = 'assist.unmatched.summary'
    _description = "Unmatched Sessions of a Company"
    _inherit = ['mail.thread', 'mail.activity.mixin', 'assist.billing.failure', 'assist.guard']
    _rec_name = 'company_id'

    # === FIELDS === #

    company_id = fields.Many2one('res.company', required=True, readonly=True)
    session_count = fields.Integer(string="Sessions", readonly=True)
    duration_hours = fields.Float(string="Measured Time", readonly=True)
    currency_id = fields.Many2one('res.currency', readonly=True)
    revenue_at_risk = fields.Monetary(
        string="Revenue at Risk",
        readonly=True,
        help="What they would cost, before taxes, by the plan most used.",
    )
    plan_id = fields.Many2one(
        'assist.billing.plan', string="By the Prices Of", readonly=True, ondelete='set null'
    )
    checked_at = fields.Datetime(readonly=True)

    # === CONSTRAINTS === #

    _company_unique = models.UniqueIndex("(company_id)", "A company has one summary.")

    # === ACTIONS === #

    def action_open_inbox(self):
        self.check_access('read')
        return self.env['ir.actions.act_window']._for_xml_id(
            'assist_billing.assist_unmatched_action'
        )

    def action_check(self):
        """Look again, now."""
        self.check_access('read')
        # sudo: whoever may read the summary may have it read anew
        self.sudo()._refresh()
        return True

    # === CRON === #

    @api.model
    def _cron_check(self):
        """Apply the rules once more, sum up, and tell the billing manager; company by company."""
        for summary in self._get_for_companies(self._get_companies()):
            # A session that came in while a rule was being saved did not know of it.
            rules = self.env['assist.matching.rule'].search(
                [('company_id', '=', summary.company_id.id)]
            )
            rules._apply()
            summary._refresh()
            self.env['ir.cron']._commit_progress(1)

    @api.model
    def _get_companies(self):
        """Return the companies that have unmatched sessions, or had when last looked at."""
        self.env['assist.session'].flush_model(['company_id', 'state'])
        self.flush_model()
        return self.env['res.company'].browse(
            row[0]
            for row in self.env.execute_query(
                SQL(
                    """
                    SELECT c.id FROM res_company c
                     WHERE EXISTS (SELECT 1 FROM assist_session s
                                    WHERE s.company_id = c.id AND s.state = 'unmatched')
                        OR EXISTS (SELECT 1 FROM assist_unmatched_summary u
                                    WHERE u.company_id = c.id AND u.session_count > 0)
                  ORDER BY c.id
                    """
                )
            )
        )

    @api.model
    def _get_for_companies(self, companies):
        """Return the summaries of `companies`, made where there are none yet."""
        found = self.search([('company_id', 'in', companies.ids)])
        return found | self.create(
            [{'company_id': company.id} for company in companies - found.company_id]
        )

    # === BUSINESS METHODS === #

    @api.model
    def _get_present_figures(self, company):
        """Return how many unmatched sessions a company has now, and what they would bring.

        They are counted each time. What many would bring is what the last check found.

        :return: (number, currency, untaxed amount, when that was reckoned: None if just now); the
            currency is empty where nothing can be said of the amount
        """
        count = self.env['assist.session'].search_count(
            [('company_id', '=', company.id), ('state', '=', 'unmatched')]
        )
        if count > RATED_AT_MOST:
            kept = self.search([('company_id', '=', company.id), ('session_count', '>', 0)])
            currency = kept.currency_id if kept.plan_id else kept.currency_id.browse()
            return count, currency, kept.revenue_at_risk, kept.checked_at
        groups = self.env['assist.unmatched'].search([('company_id', '=', company.id)])
        currency = groups._get_usual_plan(company).currency_id
        return count, currency, groups._get_revenue(), None

    def _refresh(self):
        """Sum up anew, and leave one activity, or take it away."""
        for summary in self:
            groups = self.env['assist.unmatched'].search(
                [('company_id', '=', summary.company_id.id)]
            )
            plan = groups._get_usual_plan(summary.company_id)
            summary.write(
                {
                    'session_count': sum(groups.mapped('session_count')),
                    'duration_hours': sum(groups.mapped('duration_hours')),
                    'currency_id': (plan.currency_id or summary.company_id.currency_id).id,
                    'revenue_at_risk': groups._get_revenue(),
                    'plan_id': plan.id,
                    'checked_at': fields.Datetime.now(),
                }
            )
            summary._assist_in_language()._tell()

    def _tell(self):
        self.ensure_one()
        if not self.session_count:
            self._assist_clear_failure()
            return
        self._assist_report_failure(
            self.env._("Sessions with nobody to bill at %(company)s", company=self.company_id.name),
            self.env._(
                "Sessions: %(count)s, %(amount)s by the plan most used. Say whose they are: "
                "Remote Support > Checks > Unmatched.",
                count=self.session_count,
                amount=format_amount(self.env, self.revenue_at_risk, self.currency_id),
            ),
        )
