from odoo import api, models


class MailMail(models.Model):
    _inherit = 'mail.mail'

    # === CRUD METHODS === #

    def write(self, vals):
        if self:
            self.check_access('write')
        result = super().write(vals)
        # Put back into the queue, or taken out of it; the rest shows in the notifications.
        if vals.get('state') in ('outgoing', 'cancel'):
            self.env['mail.notification']._assist_update_bills(self.mail_message_id)
        return result

    def unlink(self):
        self.check_access('unlink')
        messages = self.mail_message_id
        result = super().unlink()
        self.env['mail.notification']._assist_update_bills(messages.exists())
        return result


class MailNotification(models.Model):
    _inherit = 'mail.notification'

    # === CRUD METHODS === #

    def write(self, vals):
        if self:
            self.check_access('write')
        result = super().write(vals)
        if 'notification_status' in vals:
            self._assist_update_bills(self.mail_message_id)
        return result

    # === BUSINESS METHODS === #

    @api.model
    def _assist_update_bills(self, messages):
        """Let the bills that were sent with these messages show what became of them."""
        if not messages:
            return
        # sudo: whoever runs the mail queue
        bills = self.env['account.move'].sudo().search([('assist_message_id', 'in', messages.ids)])
        # Letters have messages of their own.
        bills |= (
            bills.browse(
                messages.filtered(lambda message: message.model == bills._name).mapped('res_id')
            )
            .exists()
            .filtered('assist_transmission')
        )
        if bills:
            bills._assist_update_delivery()
