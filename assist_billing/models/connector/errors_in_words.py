from odoo import models


class AssistConnector(models.Model):
    """What went wrong, in words: what it is, and what to do."""

    _inherit = 'assist.connector'

    # === BUSINESS METHODS === #

    def _describe_error(self, error):
        """Return a `ConnectorError` in words for the user.

        :param ConnectorError error: it carries no secret, so neither do the words
        """
        self.ensure_one()
        params = {
            'tool': self._get_tool(),
            'name': self.name,
            'status': error.status,
        }
        texts = self._get_account_errors(params) | self._get_answer_errors(params)
        text = texts.get(error.code) or texts['unexpected']
        department = getattr(error, 'department', None)
        if not department:
            return text
        if error.code == 'forbidden':
            text = self.env._(
                "%(tool)s lets this account not read the devices. Give it the right to read them "
                "there, and check the department ID. %(guide)s",
                guide=self.guide or "",
                **params,
            )
        return self.env._(
            "Devices of department %(department)s: %(problem)s", department=department, problem=text
        )

    def _get_account_errors(self, params):
        """Return the texts of what is wrong with the account, by code."""
        return {
            'missing': self.env._(
                "%(name)s has not all it needs to log in at %(tool)s. Fill in the credentials.",
                **params,
            ),
            'unauthorized': self.env._(
                "%(tool)s does not accept the token (it is wrong, expired or withdrawn). Make a "
                "new one there and enter it in %(name)s.",
                **params,
            ),
            'bad_refresh_token': self.env._(
                "%(tool)s does not accept the refresh token (it is wrong, withdrawn, or of another "
                "data centre). Make a new one in its API console and enter it in %(name)s.",
                **params,
            ),
            'bad_client': self.env._(
                "%(tool)s does not know the client ID with this client secret in this data centre. "
                "Check the three in %(name)s.",
                **params,
            ),
            'bad_address': self.env._(
                "The address of the server in %(name)s is not a plain one, so nothing was sent. "
                "Write it like https://support.example.com.",
                **params,
            ),
            'forbidden': self.env._(
                "%(tool)s lets this account not read the reports. Give it the right to connection "
                "or session reports there.",
                **params,
            ),
        }

    def _get_answer_errors(self, params):
        """Return the texts of what is wrong with the connection and the answers, by code."""
        return {
            'rate_limited': self.env._(
                "%(tool)s was asked too often and wants a pause. It is tried again by itself.",
                **params,
            ),
            'server': self.env._(
                "%(tool)s has a fault at its side (HTTP %(status)s). It is tried again by itself.",
                **params,
            ),
            'timeout': self.env._(
                "%(tool)s did not answer in time. It is tried again by itself.", **params
            ),
            'unreachable': self.env._(
                "%(tool)s cannot be reached, or the connection broke. It is tried again by itself; "
                "if it lasts, check this server's way to the internet.",
                **params,
            ),
            'tls': self.env._(
                "The certificate of %(tool)s could not be verified, so nothing was sent. Check "
                "this server's clock, certificates and proxy.",
                **params,
            ),
            'redirect': self.env._(
                "%(tool)s sent us to another address (HTTP %(status)s), where the credentials are "
                "not taken to. Check the data centre of %(name)s.",
                **params,
            ),
            'refused': self.env._(
                "%(tool)s refuses what was asked for (HTTP %(status)s). Reading begins anew with "
                "the next try; if it lasts, tell whoever looks after Odoo.",
                **params,
            ),
            'too_large': self.env._(
                "The answer of %(tool)s is larger than any list of sessions. It was not read.",
                **params,
            ),
            'not_json': self.env._(
                "The answer of %(tool)s is cut off or no data (a web page of a proxy or of "
                "maintenance, perhaps). It is tried again by itself.",
                **params,
            ),
            'unexpected': self.env._(
                "The answer of %(tool)s is not of the documented form. It is tried again by "
                "itself; if it lasts, tell whoever looks after Odoo.",
                **params,
            ),
            'changing': self.env._(
                "The list of sessions at %(tool)s changed again and again while it was read. It is "
                "tried again by itself.",
                **params,
            ),
        }
