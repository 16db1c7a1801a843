from odoo.fields import Command
from odoo.tests import tagged

from ..common import AssistBillingCommon


@tagged('post_install', '-at_install')
class TestArchivedPlans(AssistBillingCommon):
    """An archived plan goes on billing those who have it, says so, and takes no one new."""

    def test_archiving_says_how_many_go_on_being_billed(self):
        self._associate()
        self._associate(self._create_partner("Second"))
        ended = self._associate(self._create_partner("Gone"), end_date='2026-01-01')
        ended.state = 'ended'
        action = self.plan.action_archive()
        self.assertFalse(self.plan.active)
        self.assertEqual(action['tag'], 'display_notification')
        message = action['params']['message']
        self.assertIn("Customers still billed under this plan: 2 (", message)
        self.assertIn("Acme", message)
        self.assertNotIn("Gone", message)

    def test_it_is_on_record_by_whichever_door(self):
        self._associate()
        self.plan.write({'active': False})
        self.assertIn("Customers still billed under this plan: 1 (", self.plan.message_ids[0].body)

    def test_a_plan_of_nobody_is_archived_without_a_word(self):
        before = len(self.plan.message_ids)
        action = self.plan.action_archive()
        self.assertNotIsInstance(action, dict)
        self.assertEqual(len(self.plan.message_ids), before)

    def test_it_goes_on_billing(self):
        association = self._associate()
        self.plan.action_archive()
        self._create_session()
        self._close('2026-02-02 10:00:00')
        self.assertEqual(self._bill(association).amount_untaxed, 20.0)

    def test_it_takes_no_new_association_by_any_door(self):
        other = self._associate(self._create_partner("Other"), self.hourly)
        self._associate()
        self.plan.action_archive()
        new = self._create_partner("New")
        with self.assertRefused("archived"):
            self._associate(new)
        with self.assertRefused("archived"):
            self._associate(new, state='ended', end_date='2026-02-01')
        with self.assertRefused("archived"):
            other.plan_id = self.plan
        with self.assertRefused("archived"):
            self.env['assist.associate.customers'].create(
                {'plan_id': self.plan.id, 'partner_ids': new.ids}
            ).action_associate()
        result = self.env['assist.billing.association'].load(
            ['partner_id/.id', 'plan_id/.id', 'start_date'],
            [[str(new.id), str(self.plan.id), '2026-01-01']],
        )
        self.assertFalse(result['ids'])
        self.assertIn("archived", result['messages'][0]['message'])

    def test_those_who_have_it_can_be_changed(self):
        association = self._associate()
        self.plan.action_archive()
        association.write({'plan_id': self.plan.id, 'due_days': 7})
        self.assertEqual(association.due_days, 7)


@tagged('post_install', '-at_install')
class TestBilledInAnotherWay(AssistBillingCommon):
    """What would make a later closing fail, or bill untaxed, is refused beforehand."""

    def _create_other_company(self):
        other = self.setup_other_company(name="Other company")['company']
        self.env.user.company_ids |= other
        return other

    # === THE CUSTOMER'S COMPANY === #

    def test_a_customer_who_is_billed_stays_with_the_company(self):
        other = self._create_other_company()
        self._associate()
        with self.assertRefused("cannot be moved to Other company"):
            self.customer.company_id = other
        self.customer.company_id = self.company
        self.customer.company_id = False

    def test_one_who_was_billed_stays_too(self):
        other = self._create_other_company()
        association = self._associate(end_date='2026-02-01')
        self._create_session()
        self.plan.bill_handling = 'draft'
        self._close('2026-02-02 10:00:00')
        self._bill(association).unlink()
        with self.assertRefused("cannot be moved to Other company"):
            self.customer.company_id = other
        self._cycles(association).action_waive("Over")
        # What comes in late is billed all the same.
        with self.assertRefused("Leave its company empty"):
            self.customer.company_id = other
        self.customer.company_id = False

    def test_one_whose_association_ended_without_a_cycle_may_go(self):
        other = self._create_other_company()
        self._associate(end_date='2026-01-01', state='ended')
        self.customer.company_id = other
        self.assertEqual(self.customer.company_id, other)

    def test_an_archived_contact_is_not_billed_again_by_any_door(self):
        ended = self._associate(end_date='2026-02-01', state='ended')
        other = self._associate(self._create_partner("Other"))
        self.customer.active = False
        for refused in (
            ended.action_resume,
            lambda: other.write({'partner_id': self.customer.id}),
            lambda: self._associate(start_date='2026-03-01'),
        ):
            with self.assertRefused("Acme is archived"):
                refused()
        self.customer.active = True
        ended.action_resume()

    def test_a_company_is_not_archived_before_it_has_billed_all(self):
        other = self.setup_other_company()['company']
        plans = self.env['assist.billing.plan'].with_company(other)
        plan = plans.create({'name': "There", 'price_per_session': 20.0, 'company_id': other.id})
        association = self._associate(plan=plan)
        self._close('2026-01-10 00:00:00')
        for day in (False, '2026-01-20'):
            association.end_date = day
            with self.subTest(end=day), self.assertRefused("still bills remote support to Acme"):
                other.active = False
        self._close('2026-01-20 00:00:00')
        self.assertEqual(association.state, 'ended')
        other.active = False
        self.assertFalse(other.active)

    def test_a_department_stays_as_well(self):
        other = self._create_other_company()
        department = self._create_partner("Department", parent_id=self.customer.id)
        self._associate(department)
        with self.assertRefused("cannot be moved to Other company"):
            (department | self.customer).write({'company_id': other.id})

    # === THE PRODUCT'S COMPANY === #

    def test_a_product_that_is_billed_with_stays_with_the_company(self):
        other = self._create_other_company()
        product = self._create_product(name="Support")
        plan = self._create_plan(name="With it", session_product_id=product.id)
        for record in (product, product.product_tmpl_id):
            with self.subTest(record=record), self.assertRefused("cannot be moved to Other"):
                record.company_id = other
        product.company_id = self.company
        product.company_id = False
        plan.session_product_id = self.plan.session_product_id
        product.company_id = other

    # === TAXES === #

    def _create_product_with_tax(self):
        tax = self.env['account.tax'].create({'name': "Only one", 'amount': 20.0})
        product = self._create_product(name="Support", taxes_id=[Command.set(tax.ids)])
        return product, tax

    def test_the_last_tax_of_what_is_billed_cannot_be_archived(self):
        product, tax = self._create_product_with_tax()
        self.plan.session_product_id = product
        for take_away in (tax.action_archive, tax.unlink):
            with self.assertRefused("or deleted: it is the only tax of “Support”"):
                take_away()
        product.taxes_id |= self.company_data['default_tax_sale']
        tax.action_archive()

    def test_of_an_archived_plan_neither_as_long_as_it_bills(self):
        product, tax = self._create_product_with_tax()
        self.plan.session_product_id = product
        association = self._associate()
        self.plan.action_archive()
        with self.assertRefused("cannot be archived"):
            tax.active = False
        association.write({'state': 'ended', 'end_date': '2026-01-01'})
        tax.active = False

    def test_what_is_not_charged_does_not_matter(self):
        product, tax = self._create_product_with_tax()
        self.plan.device_product_id = product
        tax.action_archive()
        with self.assertRefused("are archived"):
            self.plan.charge_devices = True

    def test_a_plan_takes_no_product_with_archived_taxes_only(self):
        product, tax = self._create_product_with_tax()
        tax.action_archive()
        with self.assertRefused("all sales taxes of this product"):
            self.plan.session_product_id = product
        with self.assertRefused("all sales taxes of this product"):
            self._create_plan(session_product_id=product.id)
        product.product_tmpl_id.with_context(active_test=False).taxes_id = [Command.clear()]
        self.plan.session_product_id = product

    def test_a_company_that_charges_no_taxes_bills_without(self):
        """As one in India that is not registered: all that its chart brings are archived."""
        product, tax = self._create_product_with_tax()
        taxes = self.env['account.tax'].search(
            [('company_id', '=', self.company.id), ('type_tax_use', '=', 'sale')]
        )
        self.env.flush_all()
        self.env.cr.execute("UPDATE account_tax SET active = FALSE WHERE id IN %s", [(*taxes.ids,)])
        self.env.invalidate_all()
        self.assertFalse(tax.active)
        self.plan.session_product_id = product
        association = self._associate()
        self._create_session()
        self._close('2026-02-02 10:00:00')
        self.assertEqual(self._bill(association).amount_total, 20.0)
        tax.active = True
        self._create_session(ended_at='2026-02-10 10:00:00')
        self._close('2026-03-02 10:00:00')
        self.assertTrue(self._bill(association, 1).invoice_line_ids.tax_ids, "now it does")

    def test_nobody_is_billed_untaxed_and_all_say_why(self):
        """However it came about: here by a database from before."""
        product, tax = self._create_product_with_tax()
        self.plan.session_product_id = product
        association = self._associate()
        self._create_session()
        self._close('2026-01-01 10:00:00')
        self.env.flush_all()
        self.env.cr.execute("UPDATE account_tax SET active = FALSE WHERE id = %s", (tax.id,))
        self.env.invalidate_all()
        cycle = self._cycles(association)
        self.assertIn("taxes of Support are archived", cycle.unusual)
        settings = self.env['res.config.settings'].create({})
        self.assertIn("Support", settings.assist_tax_warning)
        self._close('2026-02-02 10:00:00')
        self.assertFalse(association.bill_ids)
        self.assertIn("are archived", cycle.error)
        self.env['account.tax'].browse(tax.id).active = True
        self._close('2026-02-02 14:00:00')
        self.assertTrue(self._bill(association).invoice_line_ids.tax_ids)
        self.assertFalse(self.env['res.config.settings'].create({}).assist_tax_warning)

    def test_an_untaxed_product_is_billed_as_ever(self):
        self.plan.session_product_id = self._create_product(
            name="Untaxed", taxes_id=[Command.clear()]
        )
        association = self._associate()
        self._create_session()
        self._close('2026-02-02 10:00:00')
        self.assertFalse(self._bill(association).invoice_line_ids.tax_ids)


@tagged('post_install', '-at_install')
class TestServiceTaxes(AssistBillingCommon):
    """Our products are services: they get the tax for services of the rate of the default one."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # sudo: they have taxes of companies that the user may not see
        cls.products = cls.env['res.company']._assist_get_products().sudo()
        cls.goods = cls._create_tax("Goods", tax_scope='consu')
        cls.company.account_sale_tax_id = cls.goods

    @classmethod
    def _create_tax(cls, name, **vals):
        return cls.env['account.tax'].create(
            {'name': name, 'amount': 20.0, 'type_tax_use': 'sale', **vals}
        )

    def _strip(self):
        self.products.taxes_id -= self.products.taxes_id._filter_taxes_by_company(self.company)

    def _get_taxes(self):
        return self.products.taxes_id._filter_taxes_by_company(self.company)

    def test_the_one_for_services_of_the_same_rate(self):
        self._create_tax("Other rate", tax_scope='service', amount=10.0)
        self._create_tax("Included", tax_scope='service', price_include_override='tax_included')
        self._create_tax("Purchase", tax_scope='service', type_tax_use='purchase')
        self._create_tax("Archived", tax_scope='service', active=False)
        nothing = [
            Command.create({'repartition_type': 'base'}),
            Command.create({'repartition_type': 'tax', 'factor_percent': 100.0}),
            Command.create({'repartition_type': 'tax', 'factor_percent': -100.0}),
        ]
        self._create_tax(
            "Reverse",
            tax_scope='service',
            invoice_repartition_line_ids=nothing,
            refund_repartition_line_ids=nothing,
        )
        self._create_tax("Abroad", tax_scope='service', original_tax_ids=self.goods.ids)
        service = self._create_tax("Services", tax_scope='service')
        self._strip()
        self.company._assist_set_product_taxes()
        self.assertEqual(self._get_taxes(), service)

    def test_the_default_one_where_there_is_none_for_services(self):
        self._strip()
        self.company._assist_set_product_taxes()
        self.assertEqual(self._get_taxes(), self.goods)

    def test_a_default_one_for_all_is_kept(self):
        self._create_tax("Services", tax_scope='service')
        self.goods.tax_scope = False
        self._strip()
        self.company._assist_set_product_taxes()
        self.assertEqual(self._get_taxes(), self.goods)

    def test_charts_that_say_it_in_the_name_alone(self):
        """As those of Sweden, Ireland or Romania (G and S), and of Italy (nothing and S)."""
        for goods, services in (("23% G", "23% S"), ("22%", "22% S")):
            with self.subTest(goods=goods):
                default = self._create_tax(goods)
                self._create_tax(f"{goods} T")
                service = self._create_tax(services)
                self.company.account_sale_tax_id = default
                self._strip()
                self.company._assist_set_product_taxes()
                self.assertEqual(self._get_taxes(), service)

    def test_a_name_alone_does_not_make_one_that_is_unlike(self):
        default = self._create_tax("23% G")
        self._create_tax("23% S", amount=10.0)
        self.company.account_sale_tax_id = default
        self._strip()
        self.company._assist_set_product_taxes()
        self.assertEqual(self._get_taxes(), default)

    def test_what_is_there_is_left_alone(self):
        self._create_tax("Services", tax_scope='service')
        self._strip()
        self.products.taxes_id |= self.goods
        self.company._assist_set_product_taxes()
        self.assertEqual(self._get_taxes(), self.goods)

    def test_what_odoo_gave_at_installation_is_replaced(self):
        service = self._create_tax("Services", tax_scope='service')
        self._strip()
        first, *others = self.products
        chosen = self._create_tax("Chosen", amount=5.0)
        first.taxes_id |= chosen
        for product in others:
            product.taxes_id |= self.goods
        self.company._assist_set_product_taxes(given=self.products)
        self.assertEqual(first.taxes_id._filter_taxes_by_company(self.company), chosen)
        for product in others:
            self.assertEqual(product.taxes_id._filter_taxes_by_company(self.company), service)

    def test_a_branch_takes_those_of_the_company_above(self):
        service = self._create_tax("Services", tax_scope='service')
        self._strip()
        self.company._assist_set_product_taxes()
        branch = (
            self.env['res.company'].sudo().create({'name': "Branch", 'parent_id': self.company.id})
        )
        branch._assist_set_product_taxes()
        self.assertEqual(self.products.taxes_id._filter_taxes_by_company(branch), service)

    def test_a_second_company_gets_its_own_from_its_chart(self):
        self._strip()
        self.company._assist_set_product_taxes()
        other = self.setup_other_company(name="Second")['company']
        taxes = self.products.sudo().taxes_id._filter_taxes_by_company(other)
        self.assertEqual(taxes, other.sudo()._assist_get_service_tax())
        self.assertTrue(taxes)
