from odoo.tests import tagged

from ..common import AssistBillingCommon

MODELS = ('ir.cron', 'mail.activity.type', 'mail.template')


@tagged('post_install', '-at_install')
class TestNeededRecords(AssistBillingCommon):
    """What the code asks for by name, and administrators see in lists, cannot be deleted."""

    def _get_shipped(self, model):
        data = self.env['ir.model.data'].search(
            [('module', '=like', 'assist_billing%'), ('model', '=', model)]
        )
        return self.env[model].with_context(active_test=False).browse(data.mapped('res_id'))

    def test_each_of_them_is_refused_in_words(self):
        for model in MODELS:
            shipped = self._get_shipped(model)
            self.assertTrue(shipped, model)
            for record in shipped:
                with self.subTest(record=record), self.assertRefused("Archive it instead"):
                    record.unlink()

    def test_others_are_deleted_as_ever(self):
        for model in MODELS:
            record = self._get_shipped(model)[0].copy()
            record.unlink()
            self.assertFalse(record.exists())
