import base64
import hashlib
import hmac

from cryptography.fernet import Fernet, InvalidToken

from odoo import api, fields, models
from odoo.tools import SQL


class AssistSecret(models.Model):
    """A secret of a record: written, handed to the engine, and shown to nobody.

    It has a row of its own, so that no statement about the record it belongs to carries it; and it
    is enciphered before it goes to the database, so that neither a log of statements, an error of
    the database nor a dump without this database's own key (`database.secret`) shows it. A copy
    of the database that Odoo made has another key: there it is as if it had never been entered.
    """

    _name = 'assist.secret'
    _description = "Stored Credential"
    _inherit = ['assist.guard']
    _order = 'id'
    _rec_name = 'name'

    # === FIELDS === #

    res_model = fields.Char(string="Model", required=True, readonly=True)
    res_id = fields.Many2oneReference(
        string="Record", model_field='res_model', required=True, readonly=True
    )
    name = fields.Char(required=True, readonly=True)
    value = fields.Char(required=True, readonly=True, help="Encrypted.")

    # === CONSTRAINTS AND INDEXES === #

    _unique_name = models.UniqueIndex("(res_model, res_id, name)")


class AssistSecretHolder(models.AbstractModel):
    """Keeps secrets for its records, by name. Whoever calls this has asked for the right before."""

    _name = 'assist.secret.holder'
    _description = "Keeps Secrets"

    # === CRUD METHODS === #

    def unlink(self):
        self.check_access('unlink')
        self._assist_forget_secrets()
        return super().unlink()

    # === BUSINESS METHODS === #

    @api.model
    def _assist_get_cipher(self):
        # sudo: the database's own key, which is nobody's to read
        key = self.env['ir.config_parameter'].sudo().get_param('database.secret') or ''
        digest = hmac.new(key.encode(), b'assist_billing.secret', hashlib.sha256).digest()
        return Fernet(base64.urlsafe_b64encode(digest))

    def _assist_get_secrets(self):
        """Return the secrets of this record: {name: text}.

        What cannot be deciphered, for it was written with the key of another database, is none.
        """
        self.ensure_one()
        rows = self.env.execute_query(
            SQL(
                "SELECT name, value FROM assist_secret WHERE res_model = %s AND res_id = %s",
                self._name,
                self._origin.id or 0,
            )
        )
        cipher = self._assist_get_cipher() if rows else None
        found = {}
        for name, value in rows:
            try:
                found[name] = cipher.decrypt(value.encode()).decode()
            except InvalidToken:
                continue
        return found

    def _assist_set_secrets(self, secrets):
        """Keep `{name: text}` in place of what these records had by the same names."""
        cipher = self._assist_get_cipher()
        self.flush_recordset()
        for record in self:
            for name, text in secrets.items():
                self.env.cr.execute(
                    SQL(
                        """
                        INSERT INTO assist_secret (
                            res_model, res_id, name, value,
                            create_uid, create_date, write_uid, write_date
                        )
                        VALUES (%(model)s, %(id)s, %(name)s, %(value)s,
                                %(uid)s, now() AT TIME ZONE 'UTC',
                                %(uid)s, now() AT TIME ZONE 'UTC')
                            ON CONFLICT (res_model, res_id, name)
                            DO UPDATE SET value = EXCLUDED.value, write_uid = EXCLUDED.write_uid,
                                          write_date = EXCLUDED.write_date
                        """,
                        model=self._name,
                        id=record.id,
                        name=name,
                        value=cipher.encrypt(text.encode()).decode(),
                        uid=self.env.uid,
                    ),
                    # Being overtaken is no error, and its statement is nobody's business.
                    log_exceptions=False,
                )
        self.env['assist.secret'].invalidate_model()

    def _assist_forget_secrets(self, names=None):
        """Forget the secrets of these records; only those of `names`, if given."""
        condition = SQL("name = ANY(%s)", list(names)) if names is not None else SQL("TRUE")
        self.env.cr.execute(
            SQL(
                "DELETE FROM assist_secret WHERE res_model = %s AND res_id = ANY(%s) AND %s",
                self._name,
                self.ids,
                condition,
            )
        )
        self.env['assist.secret'].invalidate_model()
