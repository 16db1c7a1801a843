from dataclasses import dataclass
from unittest.mock import patch

from odoo import api, fields, models
from odoo.orm.model_classes import add_to_registry
from odoo.tests import tagged
from odoo.tools import SQL

from ... import sources
from ...models.tie.assist_billing_tie import Check
from ...rules import rating
from ...sources import profile, registry
from ..tie.tie_common import TieCommon


@dataclass(frozen=True)
class CappedTerms(rating.Terms):
    maximum_minutes: int = 0

    def get_billed_seconds(self, seconds):
        seconds = super().get_billed_seconds(seconds)
        return min(seconds, self.maximum_minutes * 60) if self.maximum_minutes else seconds


class CappingPlan(models.Model):
    # Of no module: it extends the model when a test installs it, and not before.
    _module = None
    _inherit = 'assist.billing.plan'

    maximum_minutes = fields.Integer()

    def _prepare_terms(self):
        return {**super()._prepare_terms(), 'maximum_minutes': self.maximum_minutes}


class CappedCycle(models.Model):
    _module = None
    _inherit = 'assist.billing.cycle'

    @api.model
    def _get_terms_class(self):
        return CappedTerms


@dataclass(frozen=True)
class SessionOfAKind(rating.Session):
    kind: str = ''


class CycleOfKinds(models.Model):
    _module = None
    _inherit = 'assist.billing.cycle'

    @api.model
    def _get_session_columns(self):
        return {**super()._get_session_columns(), 'kind': SQL("s.kind")}

    @api.model
    def _get_session_class(self):
        return SessionOfAKind

    def _rate(self, sessions, devices=()):
        # Looking on is free.
        paid = [session for session in sessions if session.kind != 'screen_share']
        return super()._rate(paid, devices)


class StricterTie(models.Model):
    _module = None
    _inherit = 'assist.billing.tie'

    @api.model
    def _get_checks(self):
        title, meaning = "Sessions without a technician", "Somebody did the work."
        return [
            *super()._get_checks(),
            Check('sessions_without_technician', 'assist.session', title, meaning),
        ]

    def _find_sessions_without_technician(self):
        scope = self._get_session_scope()
        return self._find(
            SQL(
                "SELECT s.id FROM assist_session s WHERE %s AND s.technician_id IS NULL",
                scope,
            )
        )


@tagged('post_install', '-at_install')
class TestExtensionPoints(TieCommon):
    """What `CONTRIBUTING.md` promises to other add-ons, done as an add-on would."""

    def _install(self, *definitions):
        """Have models extended by these classes, for the length of the test."""
        self.addCleanup(self.registry._setup_models__, self.cr, [])
        for definition in definitions:
            model = self.registry[definition._name]
            self.addCleanup(setattr, model, '_base_classes__', model._base_classes__)
            self.addCleanup(setattr, model, '_setup_done__', False)
            add_to_registry(self.registry, definition)
        self.registry._setup_models__(self.cr, [])
        names = [definition._name for definition in definitions]
        self.registry.init_models(self.cr, names, {})
        self.env.invalidate_all()

    # === A RATING RULE === #

    def test_a_rating_rule(self):
        self._close('2025-12-01 00:00:00')
        opened_before = self._associate(self._create_partner("Before"), self.hourly)
        self._create_session(opened_before.partner_id, minutes=180)
        self._close('2026-01-02 00:00:00')
        self._install(CappingPlan, CappedCycle)
        self.hourly.maximum_minutes = 120
        association = self._associate(plan=self.hourly)
        long = self._create_session(minutes=180)
        short = self._create_session(ended_at='2026-01-20 10:00:00', minutes=30)
        self._close('2026-02-01 00:00:00')
        self.assertEqual(self._lines(self._bill(association)), [('hour', 2.5, 60.0, 150.0)])
        self.assertEqual((long + short).mapped('billed_seconds'), [7200, 1800])
        # The statement adds up, also to the rule; and what was frozen before knows none.
        statement = self._cycles(association)[0]._get_statement()
        self.assertEqual([float(row.quantity) for row in statement.rows], [2.0, 0.5])
        self.assertEqual(statement.terms.maximum_minutes, 120)
        self.assertEqual(self._lines(self._bill(opened_before)), [('hour', 3.0, 60.0, 180.0)])
        self.assertTied(now='2026-02-01 01:00:00')

    def test_a_rating_rule_counts_for_what_nobody_is_billed_for_yet(self):
        self._install(CappingPlan, CappedCycle)
        (self.env['assist.billing.plan'].search([]) - self.hourly).action_archive()
        self.hourly.maximum_minutes = 120
        stranger = self._create_partner("Stranger")
        self._create_session(stranger, minutes=180)
        group = self.env['assist.unmatched'].search([('partner_id', '=', stranger.id)])
        [(plan, amount)] = group._rate_sessions().values()
        self.assertEqual((plan.id, float(amount)), (self.hourly.id, 120.0))

    # === WHAT RATING READS === #

    def test_what_the_rating_reads_of_a_session(self):
        self._install(CycleOfKinds)
        association = self._associate()
        self._create_session()
        shared = self._create_session(ended_at='2026-01-16 10:00:00', kind='screen_share')
        self._close('2026-02-01 00:00:00')
        self.assertEqual(self._lines(self._bill(association)), [('session', 1.0, 20.0, 20.0)])
        self.assertEqual(shared.state, 'to_bill')

    def test_the_order_in_which_a_session_is_read_does_not_matter(self):
        cycles = self.env['assist.billing.cycle']
        columns = dict(reversed(cycles._get_session_columns().items()))
        association = self._associate()
        session = self._create_session(minutes=90)
        self._close('2026-01-20 00:00:00')
        cycle = self._cycles(association)
        expected, _late = cycle._read_usage()
        with patch.object(type(cycles), '_get_session_columns', lambda self: columns):
            self.assertEqual(cycle._read_usage(), (expected, {}))
        [read] = expected[cycle.id]
        self.assertEqual(
            (read.id, read.start, read.end), (session.id, session.started_at, session.ended_at)
        )

    # === A SOURCE === #

    def test_a_source(self):
        record = {
            'ref': 'A-1',
            'begin': '2026-01-15 10:00',
            'finish': '2026-01-15 10:30',
            'client': self.customer.name,
        }
        with patch.dict(registry._PROFILES):
            sources.register(
                profile.Profile(
                    name='acme_remote',
                    label="Acme Remote",
                    naive='local',
                    columns={
                        'external_id': ('ref',),
                        'started_at': ('begin',),
                        'ended_at': ('finish',),
                        'customer_name': ('client',),
                    },
                    signatures=(('ref', 'begin', 'finish', 'client'),),
                )
            )
            for model in self._get_models_with_a_source():
                choices = dict(model._fields['source']._description_selection(self.env))
                self.assertEqual(choices.get('acme_remote'), "Acme Remote", model._name)
            self.assertEqual(sources.recognise([record]), 'acme_remote')
            [answer] = self.env['assist.session'].ingest([record], 'acme_remote')
            self.assertEqual(answer['status'], 'created', answer)
            session = self.env['assist.session'].browse(answer['id'])
            self.assertEqual((session.source, session.external_id), ('acme_remote', 'A-1'))

    def _get_models_with_a_source(self):
        """Return our models on which a tool is chosen; connectors only where one is written."""
        models_ = [
            model
            for model in self.env.values()
            if model._original_module == 'assist_billing'
            and 'source' in model._fields
            and model._fields['source'].type == 'selection'
            and model._name != 'assist.connector'
        ]
        self.assertIn(self.env['assist.session'], models_)
        return models_

    # === A CHECK OF THE TIE === #

    def test_a_check_of_the_tie(self):
        self._install(StricterTie)
        self._associate()
        self._create_session(technician_id=self.env.user.id)
        self._close('2026-01-20 00:00:00')
        self.assertTied(now='2026-01-20 00:00:00')
        without = self._create_session(technician_id=False)
        line = self._tie(now='2026-01-20 00:00:00').check_ids.filtered('difference_count')
        self.assertEqual(line.mapped('name'), ["Sessions without a technician"])
        found = self.env[line.res_model].search(line.action_view_records()['domain'])
        self.assertEqual(found, without)
