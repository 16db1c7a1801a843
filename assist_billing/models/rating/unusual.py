from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import SQL

from ...utils.races import retry_races
from .preview import PRICE_GROUPS

# Of so many open cycles what is unusual is found while somebody waits; of more it is noted.
MOST_RATED = 300
# Cycles that are rated, and committed, at a time.
BATCH = 500


class AssistBillingCycle(models.Model):
    """Which open cycles would bill something unusual: looked for each time, or noted if many."""

    _inherit = 'assist.billing.cycle'

    # === FIELDS === #

    noted_unusual = fields.Char(
        readonly=True,
        copy=False,
        groups=PRICE_GROUPS,
        help="What was unusual when the open periods were last looked through.",
    )
    unusual_at = fields.Datetime(
        string="Unusual As Of",
        compute='_compute_unusual_at',
        help="When the open periods were last looked through; empty while they are few, and are "
        "looked through each time.",
    )

    _unusual_index = models.Index("(company_id) WHERE state = 'open' AND noted_unusual IS NOT NULL")

    # === COMPUTE METHODS === #

    @api.depends('company_id.assist_unusual_at')
    def _compute_unusual_at(self):
        for company, cycles in self.grouped('company_id').items():
            # sudo: when it was is no secret
            cycles.unusual_at = company.sudo().assist_unusual_at

    def _search_unusual(self, operator, value):
        """Find open cycles by whether there is something unusual about what they would bill.

        Where very many are open that is as of the last look, `unusual_at`.
        """
        if operator not in ('=', '!=') or value:
            raise UserError(self.env._("Only whether a bill is unusual can be searched for."))
        # sudo: which companies have notes does not hang on who asks
        noted = self.env['res.company'].sudo().search([('assist_unusual_at', '!=', False)])
        opened = self.search([('state', '=', 'open'), ('company_id', 'not in', noted.ids)])
        _outcomes, _histories, remarks = opened._get_previews()
        unusual = opened.filtered(remarks.get)
        found = Domain('id', 'in', unusual.ids)
        if noted:
            found |= (
                Domain('company_id', 'in', noted.ids)
                & Domain('state', '=', 'open')
                & Domain('noted_unusual', '!=', False)
            )
        return found if operator == '!=' else ~found

    # === ACTIONS === #

    def action_look_for_unusual(self):
        """Look through all open cycles again, in the background.

        A button of the list's header: whatever is selected there does not count.
        """
        self._check_billing_user()
        # sudo: that it runs hangs on no right of who looks
        self.env.ref('assist_billing.ir_cron_unusual').sudo()._trigger()
        return {
            'type': 'ir.actions.client',
            'tag': 'display_notification',
            'params': {
                'type': 'info',
                'message': self.env._(
                    "All open periods are being looked through. Open the filter again in a moment."
                ),
            },
        }

    # === CRON === #

    @api.model
    def _cron_note_unusual(self):
        """Note what is unusual in the companies that have very many open cycles."""
        counts = dict(self._read_group([('state', '=', 'open')], ['company_id'], ['__count']))
        noted = self.env['res.company'].search([('assist_unusual_at', '!=', False)])
        noted.filtered(
            lambda company: counts.get(company, 0) <= MOST_RATED
        ).assist_unusual_at = False
        for company, count in counts.items():
            if count > MOST_RATED:
                self._note_unusual_of(company)

    @api.model
    def _note_unusual_of(self, company):
        """Look through all open cycles of a company; commit as it goes."""
        began = fields.Datetime.now()
        domain = [('company_id', '=', company.id), ('state', '=', 'open')]
        ids = self.search(domain, order='id').ids
        for first in range(0, len(ids), BATCH):
            retry_races(self.browse(ids[first : first + BATCH])._note_unusual)
            self.env['ir.cron']._commit_progress()
        company.assist_unusual_at = began
        self.env['ir.cron']._commit_progress()

    def _note_unusual(self):
        """Note what is unusual about these cycles, where it is not noted yet."""
        opened = self.exists()
        _outcomes, _histories, remarks = opened._get_previews()
        changed = [
            (cycle.id, remarks.get(cycle) or None)
            for cycle in opened
            if (remarks.get(cycle) or False) != cycle.noted_unusual
        ]
        if not changed:
            return
        self.flush_model(['noted_unusual'])
        ids, texts = map(list, zip(*changed, strict=True))
        # By SQL, which leaves alone who wrote a cycle last, and when.
        self.env.cr.execute(
            SQL(
                "UPDATE assist_billing_cycle c SET noted_unusual = n.text"
                " FROM unnest(%s, %s::text[]) AS n (id, text) WHERE n.id = c.id",
                ids,
                texts,
            )
        )
        self.invalidate_model(['noted_unusual'])
