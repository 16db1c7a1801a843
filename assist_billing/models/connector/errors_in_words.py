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
            'other': self._get_other_account().name,
        }
        texts = self._get_account_errors(params) | self._get_answer_errors(params)
        text = texts.get(error.code) or texts['unexpected']
        department = getattr(error, 'department', None)
        if not department:
            return text
        if error.code == 'forbidden':
            text = self.env._(
                "%(tool)s does not allow this account to read the devices. Grant it that "
                "permission there, and check the department ID. %(guide)s",
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
                "%(name)s is missing credentials for %(tool)s. Fill them in.",
                **params,
            ),
            'unauthorized': self.env._(
                "%(tool)s does not accept the token (it is wrong, expired or revoked). Create a "
                "new one there and enter it in %(name)s.",
                **params,
            ),
            'bad_refresh_token': self.env._(
                "%(tool)s does not accept the refresh token (it is wrong, revoked, or from "
                "another data centre). Create a new one in its API console and enter it in "
                "%(name)s.",
                **params,
            ),
            'bad_client': self.env._(
                "%(tool)s does not recognise this client ID and client secret, at least not at "
                "this address or data centre. Check them in %(name)s.",
                **params,
            ),
            'bad_address': self.env._(
                "The address of the server in %(name)s is not a plain one, so nothing was sent. "
                "Write it like https://support.example.com.",
                **params,
            ),
            'two_accounts': self.env._(
                "%(tool)s numbers its records in each account from 1, and “%(other)s” fetches from "
                "another one. Sessions whose number the other account has used are not billed: "
                "new ones are among the rejected records, earlier ones under Sessions, filter "
                "“Source Differs”. Archive one of the two, and fetch its account in a company of "
                "its own.",
                **params,
            ),
            'forbidden': self.env._(
                "%(tool)s does not allow this account to read the reports. Grant it access to "
                "connection or session reports there.",
                **params,
            ),
        }

    def _get_answer_errors(self, params):
        """Return the texts of what is wrong with the connection and the answers, by code."""
        return {
            'rate_limited': self.env._(
                "%(tool)s received too many requests and asks for a pause. Fetching is retried "
                "automatically.",
                **params,
            ),
            'server': self.env._(
                "%(tool)s reports an error on its side (HTTP %(status)s). Fetching is retried "
                "automatically.",
                **params,
            ),
            'timeout': self.env._(
                "%(tool)s did not respond in time. Fetching is retried automatically.", **params
            ),
            'too_long': self.env._(
                "Reading from %(tool)s took longer than a scheduled action may take on this "
                "server. Fetching is retried automatically; if this persists, have your Odoo "
                "administrator raise the time limit (limit_time_real_cron).",
                **params,
            ),
            'unreachable': self.env._(
                "%(tool)s cannot be reached, or the connection was lost. Fetching is retried "
                "automatically; if this persists, check this server's internet connection.",
                **params,
            ),
            'tls': self.env._(
                "The certificate of %(tool)s could not be verified, so nothing was sent. Check "
                "this server's clock, certificates and proxy.",
                **params,
            ),
            'redirect': self.env._(
                "%(tool)s redirected us to another address (HTTP %(status)s), to which the "
                "credentials are not sent. Check the data centre of %(name)s.",
                **params,
            ),
            'refused': self.env._(
                "%(tool)s rejected the request (HTTP %(status)s). Reading starts again at the "
                "next attempt; if this persists, contact your Odoo administrator.",
                **params,
            ),
            'too_large': self.env._(
                "The response from %(tool)s is larger than any list of sessions could be. It was "
                "not read.",
                **params,
            ),
            'not_json': self.env._(
                "The response from %(tool)s is incomplete or is not data (perhaps a proxy or "
                "maintenance page). Fetching is retried automatically.",
                **params,
            ),
            'unexpected': self.env._(
                "The response from %(tool)s does not have the documented format. Fetching is "
                "retried automatically; if this persists, contact your Odoo administrator.",
                **params,
            ),
            'changing': self.env._(
                "The list of sessions at %(tool)s kept changing while it was being read. "
                "Fetching is retried automatically.",
                **params,
            ),
            'short': self.env._(
                "%(tool)s says that there are more records than it gives. Those that it gives "
                "were read, and the others are asked for again automatically; if this persists, "
                "compare with its own report.",
                **params,
            ),
        }
