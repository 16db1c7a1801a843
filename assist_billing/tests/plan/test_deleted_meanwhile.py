from psycopg2.errors import ForeignKeyViolation

from odoo.exceptions import ConcurrencyError
from odoo.tests import tagged
from odoo.tools import SQL, mute_logger

from ..common import AssistBillingCommon


@tagged('post_install', '-at_install')
class TestDeletedMeanwhile(AssistBillingCommon):
    """What somebody chose, and somebody else has deleted at the same time."""

    def _get_words(self, model, query):
        """Return what is said of what the database refuses."""
        self.env.flush_all()
        with self.assertRaises(ForeignKeyViolation) as refused, self.cr.savepoint():
            self.cr.execute(query)
            self.cr.execute("SET CONSTRAINTS ALL IMMEDIATE")
        return self.env[model]._sql_error_to_message(refused.exception)

    @mute_logger('odoo.sql_db')
    def test_a_plan_that_has_just_got_a_customer_is_deleted_anew(self):
        self._associate()
        # As a transaction that began before.
        self.patch(type(self.plan), '_ondelete_methods', [])
        with self.assertRaises(ConcurrencyError), self.cr.savepoint():
            self.plan.unlink()

    @mute_logger('odoo.sql_db')
    def test_what_was_chosen_and_is_gone_is_said(self):
        association = self._associate()
        dialog = self.env['assist.associate.customers'].create({'plan_id': self.plan.id})
        gone = 2**31 - 1
        for record, name in (
            (association, 'plan_id'),
            (association, 'partner_id'),
            (dialog, 'plan_id'),
        ):
            words = self._get_words(
                record._name,
                SQL(
                    "UPDATE %s SET %s = %s WHERE id = %s",
                    SQL.identifier(record._table),
                    SQL.identifier(name),
                    gone,
                    record.id,
                ),
            )
            label = record._fields[name]._description_string(self.env)
            self.assertTrue(words.startswith(f"{label}: what was chosen does not exist"), words)

    def test_wherever_something_is_chosen_it_may_be_gone(self):
        models = [
            model
            for name, model in self.env.registry.items()
            if name.startswith('assist.') and model._auto and not model._abstract
        ]
        choosing = {
            model._name
            for model in models
            for field in model._fields.values()
            if field.type == 'many2one' and field.store and not field.readonly
            if not self.env[field.comodel_name]._transient
        }
        self.assertGreater(len(choosing), 10)
        said = self.env.registry['assist.chosen']
        chosen = {model._name for model in models if issubclass(model, said)}
        self.assertEqual(choosing - chosen, set())

    @mute_logger('odoo.sql_db')
    def test_what_is_in_use_is_said_as_odoo_does(self):
        device = self._create_device()
        self._create_session(device_id=device.id)
        words = self._get_words(
            'assist.session', SQL("DELETE FROM assist_device WHERE id = %s", device.id)
        )
        self.assertIn("Another model is using the record", words)

    def test_who_was_served_is_archived_and_where_is_removed(self):
        device = self._create_device(self._create_partner("Owner"))
        session = self._create_session(self._create_partner("Caller"), device_id=device.id)
        association = self._associate(self._create_partner("Payer"))
        for partner in (device.partner_id, session.partner_id, association.partner_id):
            with self.subTest(partner=partner.name), self.assertRefused("Archive it instead"):
                partner.unlink()
        with self.assertRefused("because sessions were held there. Remove it"):
            device.unlink()
        session.unlink()
        owner = device.partner_id
        device.unlink()
        owner.unlink()
        self.assertFalse(owner.exists())
