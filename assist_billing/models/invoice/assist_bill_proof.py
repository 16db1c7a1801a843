from dataclasses import dataclass, field
from datetime import timedelta

from odoo import api, fields, models
from odoo.tools.constants import GC_UNLINK_LIMIT

# So long bills are taken as proven, and so long nothing is derived where a check has failed.
PROVEN_HOURS = 24
REFUSED_HOURS = 1
# So long it can be looked up what was found.
KEPT_DAYS = 60


@dataclass
class Evidence:
    """What is known at present of deriving bills in a company, of each kind (None: of all)."""

    # kind -> traits of customers whose bills came out as Odoo made them
    covered: dict[str, set] = field(default_factory=dict)
    # kind or None -> why not, in words
    refused: dict[str | None, str] = field(default_factory=dict)


class AssistBillProof(models.Model):
    """What was found when bills of a kind were made both ways on this database, and compared.

    Proofs are made while bills are: those that Odoo itself makes are derived from each other, too,
    which changes nothing, and has to come out as they are stored. A proof holds for a day, for the
    code that has a say (`signature`), and for customers like those whose bills were compared
    (`traits`). What is not proven is made the ordinary way, and proves it for those that follow.
    """

    _name = 'assist.bill.proof'
    _description = "Proof of How Bills Are Made"
    _inherit = ['assist.guard']
    _order = 'made_at desc, id desc'

    # === FIELDS === #

    name = fields.Char(string="Bills", readonly=True, help="Which kind of bills was compared.")
    company_id = fields.Many2one('res.company', required=True, readonly=True, index=True)
    made_at = fields.Datetime(string="Compared At", required=True, readonly=True, index=True)
    state = fields.Selection(
        [('proven', "Equal"), ('refused', "Not Derived")],
        string="Result",
        required=True,
        readonly=True,
        help="Equal: bills of this kind may be derived from each other for a day. Not derived: for "
        "an hour they are made the ordinary way, then it is tried again.",
    )
    reason = fields.Text(readonly=True, help="What was found, and not expected.")
    listeners = fields.Text(
        string="Add-Ons",
        readonly=True,
        help="Add-ons that have a hand in how invoices are made, and are no part of what bills "
        "were compared with beforehand.",
    )
    bill_count = fields.Integer(
        string="Bills Compared", readonly=True, help="So many bills were made both ways."
    )
    value_count = fields.Integer(
        string="Values Compared", readonly=True, help="So many stored values were compared."
    )
    kind = fields.Char(readonly=True, help="Names the kind of bills; none: bills of every kind.")
    signature = fields.Char(
        required=True,
        readonly=True,
        help="Names the code that has a say in invoices. It changes with each update of Odoo or of "
        "an add-on; what was proven before does not count any more.",
    )
    traits = fields.Json(
        readonly=True, help="What the customers whose bills were compared have on record."
    )

    # === BUSINESS METHODS === #

    @api.model
    def _get_evidence(self, company, signature):
        """Return what is proven, and what was refused, for this code, as `Evidence`."""
        now = fields.Datetime.now()
        proofs = self.search_fetch(
            [
                ('company_id', '=', company.id),
                ('signature', '=', signature),
                ('made_at', '>', now - timedelta(hours=PROVEN_HOURS)),
                ('made_at', '<=', now),
            ],
            ['kind', 'state', 'reason', 'traits', 'made_at'],
        )
        evidence = Evidence()
        for proof in proofs:
            if proof.state == 'proven':
                evidence.covered.setdefault(proof.kind, set()).update(proof.traits or ())
            elif proof.made_at > now - timedelta(hours=REFUSED_HOURS):
                evidence.refused.setdefault(proof.kind or None, proof.reason)
        return evidence

    @api.autovacuum
    def _gc_old(self):
        """Forget what was found long ago."""
        before = fields.Datetime.now() - timedelta(days=KEPT_DAYS)
        self.search([('made_at', '<', before)], limit=GC_UNLINK_LIMIT).unlink()
