from odoo import api, fields, models
from odoo.exceptions import UserError

from ...utils.checks import find_used

BILLING_GROUPS = 'account.group_account_invoice,account.group_account_readonly'


class AssistTechnicianGrade(models.Model):
    """What a technician is billed as: junior, senior, consultant."""

    _name = 'assist.technician.grade'
    _description = "Technician Grade"
    _inherit = ['assist.guard']
    _order = 'sequence, name, id'

    # === FIELDS === #

    name = fields.Char(
        required=True, translate=True, help="The customer reads it on the bill, beside the hours."
    )
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
    company_id = fields.Many2one('res.company', index=True, help="Empty for all companies.")
    user_ids = fields.Many2many(
        'res.users',
        string="Technicians",
        compute='_compute_user_ids',
        inverse='_inverse_user_ids',
        domain=[('share', '=', False)],
        help="A technician has one grade. Sessions that have ended keep theirs.",
    )

    # === COMPUTE METHODS === #

    def _compute_user_ids(self):
        # sudo: who may read grades may know whose they are
        users = self.env['res.users'].sudo().search([('assist_grade_id', 'in', self.ids)])
        for grade in self:
            grade.user_ids = users.filtered(
                lambda user, grade=grade: user.assist_grade_id == grade._origin
            )

    def _inverse_user_ids(self):
        for grade in self:
            # sudo: who may write grades says whose they are, though he may not write users
            users = self.env['res.users'].sudo()
            had = users.search([('assist_grade_id', '=', grade.id)])
            chosen = grade.user_ids.sudo()
            (had - chosen).assist_grade_id = False
            (chosen - had).assist_grade_id = grade

    # === CRUD METHODS === #

    @api.ondelete(at_uninstall=False)
    def _unlink_except_used(self):
        models = ('assist.billing.rate', 'assist.session', 'assist.session.part')
        if used := find_used(self, [(model, 'grade_id') for model in models]):
            raise UserError(
                self.env._(
                    "%(grades)s cannot be deleted: sessions, rates or bills use it. Archive it "
                    "instead.",
                    grades=", ".join(used.mapped('name')),
                )
            )


class ResUsers(models.Model):
    _inherit = 'res.users'

    # === FIELDS === #

    assist_grade_id = fields.Many2one(
        'assist.technician.grade',
        string="Remote Support Grade",
        index='btree_not_null',
        ondelete='restrict',
        groups=BILLING_GROUPS,
        help="Rates can be for a grade. A session keeps the grade its technician had when it "
        "ended.",
    )
