from markupsafe import Markup
from psycopg2.errors import UniqueViolation

from odoo import models
from odoo.exceptions import ConcurrencyError


class AssistBillingFailure(models.AbstractModel):
    """Tells the billing manager, once, what needs him: by an activity on the record."""

    _name = 'assist.billing.failure'
    _description = "Reports Failures to the Billing Manager"

    def _assist_report_failure(self, summary, note):
        """Leave one activity per record, however often it fails; its note is kept up to date.

        :param str note: plain text; names in it are nobody's HTML
        :raise ConcurrencyError: somebody reports the same record at this moment; the transaction
            is to be done again
        """
        # `join` escapes; a name that reads like an address is made no link of either.
        note = Markup("<br/>").join(note.splitlines())
        for record in self:
            # sudo: the engine may run for a user who cannot assign activities
            activity = record.sudo()._assist_get_failure_activity()
            if activity:
                activity.note = note
            else:
                record._assist_schedule_failure(summary, note)

    def _assist_by_language(self):
        """Return these records in parts, each in the language of whoever is told what fails."""
        languages = {company: company._assist_get_language() for company in self.company_id}
        by_language = self.grouped(lambda record: languages[record.company_id])
        return [part.with_context(lang=language) for language, part in by_language.items()]

    def _assist_in_language(self):
        """Return this record in the language of whoever is told what fails.

        Whom the scheduler works for has none, so all would be told in English. Somebody who waits
        for it is told in his own.
        """
        self.ensure_one()
        return self.with_context(lang=self.company_id._assist_get_language())

    def _assist_schedule_failure(self, summary, note):
        try:
            with self.env.cr.savepoint():
                # No e-mail besides: a month end can fail for hundreds of customers at once.
                # sudo: see above
                self.sudo().with_context(mail_activity_quick_update=True).activity_schedule(
                    'assist_billing.mail_activity_failure',
                    summary=summary,
                    note=note,
                    user_id=self.company_id._assist_get_manager().id,
                )
        except UniqueViolation as race:
            # The manager follows the record only once. Nothing of what is reported is wrong.
            raise ConcurrencyError(str(race)) from race

    def _assist_clear_failure(self):
        """Take the activity away: what failed has worked."""
        # sudo: it is the engine's own activity, whoever runs it
        self.sudo()._assist_get_failure_activity().unlink()

    def _assist_get_failure_activity(self):
        # Should its type be gone: to report what failed is not to be what stops a run.
        kind = self.env.ref('assist_billing.mail_activity_failure', raise_if_not_found=False)
        return self.activity_ids.filtered(lambda activity: activity.activity_type_id == kind)
