from html import unescape

from odoo import Command
from odoo.tests import HttpCase, new_test_user

from ..common import AssistBillingCommon

HOME = '/my/remote-support'
SESSIONS = f'{HOME}/sessions'
DEVICES = f'{HOME}/devices'
SCRIPT = "<script>alert('x')</script>"


class PortalCommon(AssistBillingCommon, HttpCase):
    """Acme, its department and a stranger, each with a portal user, sessions and a device."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.department = cls._create_partner("Acme Lab", parent_id=cls.customer.id)
        cls.stranger = cls._create_partner("Stranger")
        cls.users = {
            login: cls._create_portal_user(login, parent)
            for login, parent in (
                ('portal_acme', cls.customer),
                ('portal_lab', cls.department),
                ('portal_stranger', cls.stranger),
            )
        }
        cls.technician = cls._create_technician()
        cls.technician.write({'name': "Tina Technician", 'email': 'tina@seller.example'})
        cls.association = cls._associate(tz='Europe/Paris')
        cls.other_association = cls._associate(cls.stranger)
        cls.device = cls._create_device(name="Acme Server")
        cls.other_device = cls._create_device(cls.stranger, name="Strange Server")
        cls.printer_session = cls._create_session(
            name="Printer repaired",
            technician_id=cls.technician.id,
            device_id=cls.device.id,
            note="internal: customer is slow to pay",
            customer_note=f"Changed the toner {SCRIPT}",
        )
        cls.lab_session = cls._create_session(cls.department, name="Lab robot restarted")
        cls.free_session = cls._create_session(
            name="A favour", billable=False, non_billable_reason="our own mistake"
        )
        cls.other_session = cls._create_session(cls.stranger, name="Stranger's secret")

    @classmethod
    def _create_portal_user(cls, login, parent):
        return new_test_user(
            cls.env,
            login,
            groups='base.group_portal',
            parent_id=parent.id,
            tz='UTC',
            company_id=cls.company.id,
            company_ids=[Command.set(cls.company.ids)],
        )

    # === HELPERS === #

    def _get(self, url, login='portal_acme', **kwargs):
        """Return the answer to a portal user (or to nobody, if `login` is None)."""
        self.authenticate(login, login)
        return self.url_open(url, **kwargs)

    def _get_page(self, url, login='portal_acme'):
        """Return the page as its reader sees it, entities resolved; it must be there."""
        response = self._get(url, login)
        self.assertEqual(response.status_code, 200)
        self.assertTrue(response.url.endswith(url), response.url)
        return unescape(response.text)

    def _close_january(self):
        """Bill January; return Acme's bill."""
        self._close('2026-02-01 00:00:00')
        return self._cycles(self.association)[0].move_id
