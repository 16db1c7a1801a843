import base64
import csv
import sys
from datetime import datetime
from pathlib import Path

from odoo import SUPERUSER_ID, Command
from odoo.tests import HttpCase, new_test_user

from ..common import AssistBillingCommon

MANAGER = 'assist_billing.assist_billing_group_manager'
# Odoo's models that we add to, and whose documents are our bills.
ODOO_MODELS = ('account.move', 'account.move.line', 'account.payment', 'res.partner')


def read_table(name):
    """Return the rows of a table of the tests, as dicts of its columns.

    Add-ons beside this one that are loaded bring their own rows, in a table of the same name.
    """
    rows = []
    for path in sorted(Path(__file__).parents[3].glob(f'assist_billing*/tests/{name}')):
        if f'odoo.addons.{path.parents[1].name}' in sys.modules:
            with path.open(encoding='utf-8', newline='') as file:
                rows += csv.DictReader(file)
    return rows


class AccessCommon(AssistBillingCommon, HttpCase):
    """One record of each model in a company, another company, a branch, and all kinds of users."""

    # Whose records are is looked at: companies are made by whoever works in them.
    takes_prepared_companies = False

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.other_company = cls.setup_other_company(name="Other")['company']
        cls.branch = (
            cls.env['res.company'].sudo().create({'name': "Branch", 'parent_id': cls.company.id})
        )
        cls.stranger = cls._create_partner("Stranger")
        cls.department = cls._create_partner("Acme Lab", parent_id=cls.customer.id)
        cls.users = cls._create_users()
        cls.records = cls._create_records()
        cls.env.flush_all()

    @classmethod
    def _create_users(cls):
        """Return a user of each kind, by the name of his column in the table."""
        users = {}
        for name, groups in {
            'technician': 'assist_billing.assist_billing_group_technician',
            'accountant': 'account.group_account_invoice',
            'auditor': 'account.group_account_readonly,base.group_user',
            'manager': MANAGER,
            'program': 'assist_billing.assist_billing_group_ingest',
            'employee': 'base.group_user',
        }.items():
            users[name] = cls._create_user(name, groups)
        users['other_manager'] = cls._create_user('other_manager', MANAGER, cls.other_company)
        users['branch_manager'] = cls._create_user('branch_manager', MANAGER, cls.branch)
        for name, parent in {
            'portal_acme': cls.customer,
            'portal_lab': cls.department,
            'portal_stranger': cls.stranger,
        }.items():
            users[name] = cls._create_user(name, 'base.group_portal', parent_id=parent.id)
        return users

    @classmethod
    def _create_user(cls, login, groups, company=None, **vals):
        company = company or cls.company
        return new_test_user(
            cls.env,
            login,
            groups=groups,
            company_id=company.id,
            company_ids=[Command.set(company.ids)],
            **vals,
        )

    # === ONE RECORD OF EACH MODEL === #

    @classmethod
    def _create_records(cls):
        """Return `{model: a record of it}`, all of Acme and of the first company.

        A new model gets its record here.
        """
        association = cls._associate(start_date='2026-01-01')
        device = cls._create_device(name="Acme Server", external_id='D1')
        session = cls._create_session(name="Secret session", external_id='S1')
        cls._close_now(association, '2026-02-01 00:00:00')
        bill = association.cycle_ids.move_id
        draft = cls._associate(
            cls.stranger,
            cls._create_plan(name="Drafts", bill_handling='draft', price_per_session=10),
        )
        unbilled = cls._create_session(name="Waiting session", ended_at='2026-02-10 10:00:00')
        engine = cls.env(user=SUPERUSER_ID, su=True)
        cycle = association.cycle_ids.sorted('date_start')[0]
        records = {
            'assist.billing.plan': cls.plan,
            'assist.billing.association': association,
            'assist.billing.cycle': cycle,
            'assist.device': device,
            'assist.session': unbilled,
            'account.move': bill,
            'account.move.line': bill.invoice_line_ids[:1],
            'account.journal': cls.company_data['default_journal_bank'],
            'account.tax': cls.company_data['default_tax_sale'],
            'product.template': cls.plan.session_product_id.product_tmpl_id,
            'res.partner': cls.customer,
        }
        cls.billed, cls.draft_association = session, draft

        def make(model, **vals):
            records[model] = cls.env[model].browse(engine[model].create(vals).id)
            return records[model]

        company = cls.company.id
        run = make('assist.billing.run', user_id=SUPERUSER_ID)
        make(
            'assist.billing.run.line',
            run_id=run.id,
            company_id=company,
            currency_id=cls.company.currency_id.id,
        )
        make(
            'assist.bill.proof',
            company_id=company,
            made_at='2026-02-01 00:00:00',
            state='refused',
            signature="secret",
        )
        make(
            'assist.billing.suspension',
            association_id=association.id,
            date_from='2027-01-01',
            date_to='2027-01-05',
        )
        make(
            'assist.billing.cycle.device',
            cycle_id=cycle.id,
            device_id=device.id,
            date_from='2026-01-01',
            date_to='2026-02-01',
        )
        make(
            'assist.billing.cycle.prior',
            cycle_id=cycle.id,
            origin_cycle_id=cycle.id,
            currency_id=cycle.currency_id.id,
            amount=1.0,
        )
        band = make('assist.billing.band', name="Secret band", company_id=company)
        grade = make('assist.technician.grade', name="Secret grade", company_id=company)
        hours = make('assist.billing.hours', name="Secret hours", company_id=company)
        make('assist.billing.hours.line', hours_id=hours.id, band_id=band.id, dayofweek='6')
        make('assist.billing.hours.holiday', hours_id=hours.id, date='2026-12-25')
        make('assist.billing.plan.version', plan_id=draft.plan_id.id, date_from='2027-01-01')
        revision = make(
            'assist.price.revision',
            name="Secret rise",
            company_id=company,
            date_from='2027-01-01',
            plan_ids=draft.plan_id.ids,
        )
        records['assist.price.revision.line'] = revision.line_ids[:1]
        make(
            'assist.price.revision.notice',
            revision_id=revision.id,
            association_id=draft.id,
        )
        make('assist.billing.rate', plan_id=draft.plan_id.id, value=100.0)
        fee = make(
            'assist.billing.plan.fee',
            plan_id=draft.plan_id.id,
            product_id=draft.plan_id.session_product_id.id,
            name="Secret fee",
            price=10.0,
        )
        make('assist.billing.association.fee', association_id=draft.id, fee_id=fee.id)
        make(
            'assist.billing.cycle.fee',
            cycle_id=cycle.id,
            fee_id=fee.id,
            currency_id=cycle.currency_id.id,
            fee_terms={'id': fee.id},
        )
        make('assist.billing.tier', plan_id=draft.plan_id.id, from_quantity=10.0, price=1.0)
        make(
            'assist.session.part',
            session_id=session.id,
            cycle_id=cycle.id,
            currency_id=cycle.currency_id.id,
            started_at=session.started_at,
            ended_at=session.ended_at,
            grade_id=grade.id,
        )
        tie = make('assist.billing.tie', company_id=company)
        records['assist.billing.tie.line'] = (tie.part_ids | tie.check_ids)[:1]
        connector = make(
            'assist.connector', name="Secret connector", source='teamviewer', company_id=company
        )
        make(
            'assist.secret',
            res_model='assist.connector',
            res_id=connector.id,
            name='api_token',
            value="Secret",
        )
        make('assist.connector.rejection', connector_id=connector.id, key='k', reason="bad")
        make('assist.connector.write.back', connector_id=connector.id, session_id=session.id)
        key = make('assist.inbound.key', name="Secret key", source='teamviewer', company_id=company)
        make('assist.inbound.receipt', key_id=key.id, company_id=company, digest="hush")
        make(
            'assist.device.absence',
            device_id=device.id,
            date_from='2026-03-01',
            date_to='2026-03-05',
        )
        make(
            'assist.matching.rule',
            company_id=company,
            field='customer',
            value="hush",
            partner_id=cls.customer.id,
        )
        make(
            'assist.session.import.record',
            name="hush.csv",
            source='csv',
            company_id=company,
            user_id=SUPERUSER_ID,
            state='done',
        )
        make(
            'assist.session.mapping', company_id=company, source='csv', header='h', mapping={'a': 1}
        )
        unmatched = cls._create_session(name="Nobody's", partner=cls.env['res.partner'])
        cls.env.flush_all()
        records['assist.unmatched'] = cls.env['assist.unmatched'].search(
            [('session_id', '=', unmatched.id)], limit=1
        )
        summary = engine['assist.unmatched.summary'].search([('company_id', '=', company)])
        records['assist.unmatched.summary'] = cls.env['assist.unmatched.summary'].browse(
            summary.id or make('assist.unmatched.summary', company_id=company).id
        )
        payment = engine['account.payment'].create(
            {
                'partner_id': cls.customer.id,
                'amount': 1.0,
                'journal_id': cls.company_data['default_journal_bank'].id,
            }
        )
        records['account.payment'] = cls.env['account.payment'].browse(payment.id)
        message = engine['mail.message'].create({'model': 'res.partner', 'body': "Secret"})
        make('mail.mail', mail_message_id=message.id, email_to="acme@example.com")
        make(
            'mail.notification',
            mail_message_id=message.id,
            res_partner_id=cls.customer.id,
            notification_type='email',
        )
        cls._create_dialogs(make, records)
        for name in cls._get_our_models():
            if name not in records and not engine[name]._auto:
                # A view shows what is there.
                records[name] = cls.env[name].browse(engine[name].search([], limit=1).id)
        return records

    @classmethod
    def _create_dialogs(cls, make, records):
        """Make one of each dialog, as if somebody else had it open."""
        make('account.move.send.batch.wizard', move_ids=records['account.move'].ids)
        make('res.config.settings')
        make('validate.account.move', move_ids=records['account.move'].ids)
        bill = records['account.move']
        make(
            'account.move.reversal',
            move_ids=bill.ids,
            journal_id=bill.journal_id.id,
            company_id=bill.company_id.id,
        )
        file = base64.b64encode(b'id,start\n1,2026-01-01 10:00\n')
        make('assist.add.charges', move_id=records['account.move'].id)
        dialog = make('assist.associate.customers', plan_id=cls.plan.id)
        make('assist.associate.customers.line', dialog_id=dialog.id, partner_id=cls.stranger.id)
        make('assist.confirm.payment', move_ids=records['account.move'].ids)
        device_import = make('assist.device.import', file=file, company_id=cls.company.id)
        make('assist.device.import.column', import_id=device_import.id)
        make(
            'assist.non.billable',
            session_ids=records['assist.session'].ids,
            usual_reason='goodwill',
        )
        file_import = make('assist.session.import', file=file, company_id=cls.company.id)
        make('assist.session.import.column', import_id=file_import.id)
        make('assist.statement', association_id=records['assist.billing.association'].id)
        make('assist.fill.hours', hours_id=records['assist.billing.hours'].id)
        make('assist.try.rates', plan_id=cls.plan.id)
        make('assist.unmatched.assign', company_id=cls.company.id, field='customer', value="hush")
        make('assist.waive.cycle', cycle_ids=records['assist.billing.cycle'].ids, reason="goodwill")

    @classmethod
    def _close_now(cls, associations, now):
        """Close what is due of `associations` as of `now` (UTC, ISO), in this transaction."""
        now = datetime.fromisoformat(now)
        associations.flush_recordset()
        cycles = cls.env(user=SUPERUSER_ID, su=True)['assist.billing.cycle']
        cycles._open_for(associations.sudo(), now)
        cycles.search(
            [
                ('association_id', 'in', associations.ids),
                ('state', '=', 'open'),
                ('end_at', '<=', now),
            ],
            order='end_at',
        )._close(now)
        cls.env.invalidate_all()

    # === WHAT THERE IS === #

    @classmethod
    def _get_our_models(cls):
        """Return the names of all models of ours that have records."""
        return sorted(
            name
            for name, model in cls.env.registry.items()
            if name.startswith('assist.') and not model._abstract
        )

    @classmethod
    def _get_our_modules(cls):
        return {
            name for name in cls.env.registry._init_modules if name.startswith('assist_billing')
        }
