from types import SimpleNamespace
from unittest.mock import patch

from odoo import SUPERUSER_ID, api, http
from odoo.exceptions import AccessError
from odoo.tests import Form, new_test_user, tagged
from odoo.tools import mute_logger

from ...models.matching import res_partner_address
from ..ingest.ingest_common import zoho
from ..portal.portal_common import PortalCommon

OWN, OTHER, FREE = 'acme@acme.example', 'boss@stranger.example', 'waiting@somewhere.example'


@tagged('post_install', '-at_install')
class TestAddressesFromOutside(PortalCommon):
    """What a portal user or a visitor types matches no session until a colleague confirms it."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.portal_user = cls.users['portal_acme']
        cls.contact = cls.portal_user.partner_id
        cls.contact.email = OWN
        cls.stranger.email = OTHER
        cls.country = cls.env.ref('base.be')
        cls.waiting = cls._ingest(1, FREE)

    @classmethod
    def _ingest(cls, number, address):
        """Return the session of a source that says this address of the customer's."""
        sessions = cls.env['assist.session']
        [answer] = sessions.ingest([zoho(f'outside {number}', agent_email=address)], 'zoho_assist')
        return sessions.browse(answer['id'])

    # === DOORS === #

    def _submit(self, email, **values):
        """Send the portal's address form, as the portal user; it must be taken."""
        self.authenticate('portal_acme', 'portal_acme')
        response = self.url_open(
            '/my/address/submit',
            data={
                'name': "Somebody",
                'email': email,
                'phone': "+32 2 000 00 00",
                'street': "Street 1",
                'city': "Brussels",
                'zip': "1000",
                'country_id': self.country.id,
                'csrf_token': http.Request.csrf_token(self),
                **values,
            },
        )
        self.assertIn('redirectUrl', response.json())
        self.env.invalidate_all()

    def _submit_own(self, email):
        self._submit(email, partner_id=self.contact.id, address_type='billing')

    def _submit_new(self, email):
        before = self.env['res.partner'].search([])
        self._submit(email, address_type='delivery', name="New address")
        return self.env['res.partner'].search([]) - before

    def _call_kw(self, model, method, *args):
        self.authenticate('portal_acme', 'portal_acme')
        result = self.make_jsonrpc_request(
            f'/web/dataset/call_kw/{model}/{method}',
            {'model': model, 'method': method, 'args': args, 'kwargs': {}},
        )
        self.env.invalidate_all()
        return result

    def _write_by_rpc(self, email):
        self._call_kw('res.users', 'write', [self.portal_user.id], {'email': email})

    def _write_by_json2(self, email):
        key = (
            self.env['res.users.apikeys']
            .with_user(self.portal_user)
            .sudo()
            ._generate('rpc', "test", self.env.cr.now().replace(year=2099))
        )
        response = self.url_open(
            '/json/2/res.users/write',
            json={'ids': [self.portal_user.id], 'vals': {'email': email}},
            headers={'Authorization': f'Bearer {key}', 'X-Odoo-Database': self.env.cr.dbname},
        )
        self.assertEqual(response.status_code, 200, response.text)
        self.env.invalidate_all()

    def _write_by_xmlrpc(self, email):
        with mute_logger('odoo.addons.rpc.controllers.xmlrpc'):  # which says it is deprecated
            self.xmlrpc_object.execute_kw(
                self.env.cr.dbname,
                self.portal_user.id,
                'portal_acme',
                'res.users',
                'write',
                [[self.portal_user.id], {'email': email}],
            )
        self.env.invalidate_all()

    def _sign_up(self, email):
        self.env['ir.config_parameter'].sudo().set_param('auth_signup.invitation_scope', 'b2c')
        self.authenticate(None, None)
        self.url_open(
            '/web/signup',
            data={
                'login': email,
                'name': "Visitor",
                'password': "long enough a password",
                'confirm_password': "long enough a password",
                'csrf_token': http.Request.csrf_token(self),
            },
        )
        # sudo: visitors are users of the main company
        user = self.env['res.users'].sudo().search([('login', '=', email)])
        self.assertEqual(user.email, email)
        return user.partner_id.sudo(False)

    def _assert_no_match(self, contact, *, later):
        """Nothing that waits is the contact's, and others go on getting what is theirs."""
        self.env.cr.flush()
        self.env.invalidate_all()
        self.assertTrue(contact.assist_email_unconfirmed)
        self.assertFalse(self.waiting.partner_id)
        self.assertFalse(self._ingest(f'{later} free', FREE).partner_id)
        self.assertEqual(self._ingest(f'{later} other', OTHER).partner_id, self.stranger)
        self.assertEqual(self._ingest(f'{later} own', OWN).partner_id, self.contact)

    # === NOTHING IS MATCHED === #

    def test_a_portal_user_s_own_address(self):
        for number, email in enumerate((FREE, OTHER, OTHER.upper())):
            with self.subTest(email=email):
                self._submit_own(email)
                self.assertEqual(self.contact.email, email)
                self._assert_no_match(self.contact, later=f'own {number}')

    def test_addresses_that_a_portal_user_adds(self):
        for number, email in enumerate((FREE, OTHER, OWN)):
            with self.subTest(email=email):
                contact = self._submit_new(email)
                self.assertEqual(contact.email, email)
                self._assert_no_match(contact, later=f'new {number}')

    def test_a_portal_user_s_programs(self):
        for door in (self._write_by_rpc, self._write_by_json2, self._write_by_xmlrpc):
            for email in (FREE, OTHER):
                with self.subTest(door=door.__name__, email=email):
                    door(email)
                    self.assertEqual(self.contact.email, email)
                    self._assert_no_match(self.contact, later=f'{door.__name__} {email}')
                    self.contact.email = OWN

    def test_who_signs_up(self):
        for email in (FREE, OTHER, OWN):
            with self.subTest(email=email):
                self._assert_no_match(self._sign_up(email), later=f'signup {email}')

    def test_forms_for_visitors_that_the_superuser_stores(self):
        visitor = SimpleNamespace(env=self.env(user=self.env.ref('base.public_user')))
        nobody = SimpleNamespace(env=api.Environment(self.env.cr, None, {}))
        for number, request in enumerate((visitor, nobody)):
            with patch.object(res_partner_address, 'request', request):
                contact = (
                    self.env['res.partner']
                    .with_user(SUPERUSER_ID)
                    .create({'name': "Form", 'email': OTHER})
                )
            self._assert_no_match(contact, later=f'form {number}')

    def test_visitors_with_sudo(self):
        contact = (
            self.env['res.partner']
            .with_user(self.env.ref('base.public_user'))
            .sudo()
            .create({'name': "Checkout", 'email': OTHER, 'assist_email_unconfirmed': False})
        )
        self._assert_no_match(contact, later='sudo')

    # === IT CANNOT BE CONFIRMED FROM OUTSIDE === #

    def test_nobody_outside_confirms(self):
        self._submit_own(OTHER)
        with mute_logger('odoo.http'):
            for method, *args in (
                ('action_assist_confirm_email', [self.contact.id]),
                ('write', [self.contact.id], {'assist_email_unconfirmed': False}),
                ('write', [self.contact.id], {'email': OTHER}),
            ):
                with self.subTest(method=method), self.assertRaises(Exception):  # noqa: B017
                    self._call_kw('res.partner', method, *args)
        contact = self.contact.with_user(self.portal_user).sudo()
        with self.assertRaises(AccessError):
            contact.action_assist_confirm_email()
        contact.write({'assist_email_unconfirmed': False, 'assist_confirmed_email': OTHER})
        self._assert_no_match(self.contact, later='outside')

    def test_going_to_and_fro_confirms_nothing(self):
        for email in (OTHER, FREE, False, OTHER):
            self.contact.with_user(self.portal_user).sudo().email = email
        self._assert_no_match(self.contact, later='fro')
        self.contact.with_user(self.portal_user).sudo().email = OWN
        self.assertFalse(self.contact.assist_email_unconfirmed)

    # === A COLLEAGUE CONFIRMS === #

    def test_one_click_confirms_and_matches_what_waits(self):
        self._submit_own(FREE)
        self.env.flush_all()
        self.assertIn("any remote support sessions until a colleague", self._get_notes())
        with Form(self.contact) as form:
            self.assertTrue(form.assist_email_unconfirmed)
        self.contact.action_assist_confirm_email()
        self.env.cr.flush()
        self.assertFalse(self.contact.assist_email_unconfirmed)
        self.assertEqual(self.waiting.partner_id, self.contact)
        self.assertFalse(self._ingest('old', OWN).partner_id)

    def _get_notes(self):
        return " ".join(self.contact.message_ids.mapped('body'))

    def test_what_a_colleague_types_is_confirmed(self):
        self._submit_own(OTHER)
        clerk = new_test_user(
            self.env, 'clerk', groups='base.group_user,base.group_partner_manager'
        )
        self.contact.with_user(clerk).email = FREE
        self.env.cr.flush()
        self.assertFalse(self.contact.assist_email_unconfirmed)
        self.assertEqual(self.waiting.partner_id, self.contact)
        created = (
            self.env['res.partner'].with_user(clerk).create({'name': "X", 'email': "x@y.example"})
        )
        self.assertFalse(created.assist_email_unconfirmed)

    def test_a_colleague_without_rights_on_contacts_does_not_confirm(self):
        self._submit_own(OTHER)
        plain = new_test_user(self.env, 'plain', groups='base.group_user')
        with self.assertRaises(AccessError):
            self.contact.with_user(plain).action_assist_confirm_email()

    def test_a_copy_is_no_more_confirmed_than_its_original(self):
        self._submit_own(OTHER)
        self._assert_no_match(self.contact.copy(), later='copy')

    def test_merging_confirms_nothing_and_doubts_nothing(self):
        wizard = self.env['base.partner.merge.automatic.wizard'].sudo()
        typed = self._submit_new(FREE)
        other = self._create_partner("Other", email='other@other.example')
        wizard._merge((typed | other).ids, other, extra_checks=False)
        self.assertFalse(other.assist_email_unconfirmed)
        typed = self._submit_new(FREE)
        empty = self._create_partner("Empty")
        wizard._merge((typed | empty).ids, empty, extra_checks=False)
        self.assertEqual(empty.email, FREE)
        self._assert_no_match(empty, later='merged')
