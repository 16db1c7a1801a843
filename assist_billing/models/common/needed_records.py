from odoo import api, models
from odoo.exceptions import UserError


class AssistNeeded(models.AbstractModel):
    """Records shipped with the app that its code asks for by name: they cannot be deleted.

    Whoever deleted one would see nothing of it until a button, a saved association or a run that
    bills many customers ended in an error that names no way out.
    """

    _name = 'assist.needed'
    _description = "Keeps What Remote Support Billing Needs"

    @api.ondelete(at_uninstall=False)
    def _unlink_except_assist_needed(self):
        # sudo: names of records are for administrators
        for record_id, names in self.sudo()._get_external_ids().items():
            if any(name.startswith('assist_billing') for name in names):
                raise UserError(
                    self.env._(
                        "“%(name)s” belongs to remote support billing and cannot be deleted. "
                        "Archive it instead.",
                        name=self.browse(record_id).display_name,
                    )
                )


class IrCron(models.Model):
    _name = 'ir.cron'
    _inherit = ['ir.cron', 'assist.needed']


class MailActivityType(models.Model):
    _name = 'mail.activity.type'
    _inherit = ['mail.activity.type', 'assist.needed']


class MailTemplate(models.Model):
    _name = 'mail.template'
    _inherit = ['mail.template', 'assist.needed']
