import logging
from contextlib import contextmanager
from datetime import datetime
from unittest.mock import patch

from odoo import SUPERUSER_ID, fields
from odoo.fields import Command
from odoo.orm.model_classes import add_to_registry
from odoo.tools import SQL

from ..common import AssistBillingCommon

_logger = logging.getLogger(__name__)

NOW = datetime(2026, 2, 1)
# The name of an add-on that tests make up.
ADD_ON = 'assist_stranger'
# What differs between any two bills, however they are made: ids and times. Nothing else is left
# out of the comparison.
IGNORED = {
    'account_move': {'id', 'create_date', 'write_date'},
    'account_move_line': {'id', 'move_id', 'create_date', 'write_date'},
    'mail_message': {'id', 'res_id', 'message_id', 'date', 'create_date', 'write_date'},
    'mail_tracking_value': {'id', 'mail_message_id', 'create_date', 'write_date'},
    'mail_followers': {'id', 'res_id'},
    'assist_billing_cycle': {'move_id', 'write_date'},
    'assist_session': {'write_date', 'prior_id'},
    # What wakes browsers up names the records.
    'bus_bus': {'message'},
    'ir_cron_trigger': {'call_at'},
}


# Of any other table: ids and times, and references to what is made (see `_read_others`).
IGNORED_ELSEWHERE = {'id', 'res_id', 'create_date', 'write_date'}


class FastPathCase(AssistBillingCommon):
    """Bills made twice from the same usage, the fast way and the ordinary way, and compared."""

    # So many customers there are of each kind.
    customers_of_a_kind = 1
    # Bills that were derived.
    derived = 0

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.second_company = cls.setup_other_company(name="Second")['company']
        # As the scheduled action does it: with messages and what goes with them.
        cls.env = cls.env(
            user=SUPERUSER_ID,
            context={'allowed_company_ids': (cls.company | cls.second_company).ids},
        )
        cls.hourly = cls.hourly.with_env(cls.env)
        cls.company = cls.company.with_env(cls.env)

    # === SHAPES === #

    def _create_taxes(self, *vals_list):
        return self.env['account.tax'].create(
            [
                {
                    # Names of taxes are unique in a company.
                    'name': f"Tax {self.env['account.tax'].search_count([])} {index}",
                    'type_tax_use': 'sale',
                    'company_id': self.env.company.id,
                    **vals,
                }
                for index, vals in enumerate(vals_list)
            ]
        )

    def _create_taxed_plan(self, taxes, **vals):
        """Create a plan by the hour, with devices, whose products all have these taxes."""
        products = {
            name: self.hourly[name].copy({'taxes_id': [Command.set(taxes.ids)]}).id
            for name in ('hour_product_id', 'device_product_id', 'session_product_id')
        }
        return self._create_plan(
            **{
                'billing_type': 'hour',
                'price_per_hour': 61.37,
                'charge_devices': True,
                'price_per_device': 3.33,
                'company_id': self.env.company.id,
                **products,
                **vals,
            }
        )

    def _open_cycles(self, plan, partners=None, **vals):
        """Associate customers, with sessions of January and a device each; return the cycles."""
        if partners is None:
            partners = self.env['res.partner'].create(
                [{'name': f"Customer {index}"} for index in range(3)]
            )
        for _copy in range(1, self.customers_of_a_kind):
            partners |= partners.browse(
                partner.copy({'name': f"{partner.name} again"}).id for partner in partners
            )
        associations = self.env['assist.billing.association']
        for index, partner in enumerate(partners):
            associations |= self._associate(
                partner,
                plan,
                company_id=plan.company_id.id,
                due_days=14,
                **{'customer_reference': f"Order {index}" if index else False, **vals},
            )
            for day in range(1, 4 + index):
                self._create_session(
                    partner,
                    ended_at=f'2026-01-{day:02} 10:00:00',
                    minutes=17 * day + index,
                    company_id=plan.company_id.id,
                )
            self._create_device(partner, company_id=plan.company_id.id)
        cycles = self.env['assist.billing.cycle']
        cycles._open_for(associations, NOW)
        return associations.cycle_ids.filtered(lambda cycle: cycle.end_at <= NOW)

    # === MAKING === #

    def _make_and_read(self, cycles, slow=False, close=None, tables=()):
        """Bill `cycles` one way or the other, read all that came of it, and undo it.

        :param close: what makes the bills; default: closing, as of NOW
        :param tables: tables to be read besides those that were written
        :return: what is stored, and how many bills were made the fast way, derived ones included
        """
        close = close or (lambda: cycles._close_together(NOW))
        before = self._get_documents(cycles)
        model = type(self.env['assist.bill.maker'])
        made, case = [], self
        create, derive = model._create_complete, model._derive

        def counting(self, vals_list):
            moves = create(self, vals_list)
            made.append(len(moves))
            return moves

        def counting_derived(self, families):
            moves = derive(self, families)
            made.append(len(moves))
            case.derived += len(moves)
            return moves

        self.env.flush_all()
        self.env.invalidate_all()
        written = self._count_written()
        with (
            self.env.cr.savepoint() as savepoint,
            patch.object(model, '_create_complete', counting),
            patch.object(model, '_derive', counting_derived),
        ):
            # As after a roll back of the whole transaction.
            self.env['account.move']._get_sequence_cache().clear()
            if slow:
                with patch.object(model, '_get_general_slow_reason', lambda self: "to be compared"):
                    close()
            else:
                close()
            self.env.flush_all()
            stored = self._read_stored(cycles, self._get_documents(cycles) - before)
            touched = {
                table
                for table, count in self._count_written().items()
                # What was found of the ways is no part of the bills.
                if count != written[table] and table != 'assist_bill_proof'
            }
            stored |= self._read_others({*touched, *tables, 'res_partner'} - stored.keys())
            savepoint.rollback()
        self.env.invalidate_all()
        return stored, sum(made)

    def _get_documents(self, cycles):
        return self.env['account.move'].search(
            [
                '|',
                ('assist_cycle_id', 'in', cycles.ids),
                ('assist_origin_cycle_id', 'in', cycles.ids),
            ]
        )

    # === COMPARING === #

    def _read_stored(self, cycles, moves):
        """Return every stored value of what was made: table -> list of rows, in a fixed order."""
        moves = tuple(
            moves.sorted(lambda move: (move.assist_cycle_id or move.assist_origin_cycle_id).id).ids
        ) or (0,)
        by_move = SQL("array_position(%s, m.id)", list(moves))
        return {
            'account_move': self._read_rows(
                SQL("SELECT m.* FROM account_move m WHERE m.id IN %s ORDER BY %s", moves, by_move)
            ),
            'account_move_line': self._read_rows(
                SQL(
                    """
                    SELECT l.*,
                           ARRAY(SELECT account_tax_id FROM account_move_line_account_tax_rel t
                                  WHERE t.account_move_line_id = l.id ORDER BY 1) AS taxes,
                           ARRAY(SELECT account_account_tag_id
                                   FROM account_account_tag_account_move_line_rel t
                                  WHERE t.account_move_line_id = l.id ORDER BY 1) AS tags,
                           ARRAY(SELECT a.amount FROM account_analytic_line a
                                  WHERE a.move_line_id = l.id ORDER BY 1) AS analytic_lines
                      FROM account_move_line l JOIN account_move m ON m.id = l.move_id
                     WHERE m.id IN %s ORDER BY %s, l.id
                    """,
                    moves,
                    by_move,
                )
            ),
            'mail_message': self._read_rows(
                SQL(
                    """
                    SELECT x.* FROM mail_message x
                      JOIN account_move m ON x.model = 'account.move' AND x.res_id = m.id
                     WHERE m.id IN %s ORDER BY %s, x.id
                    """,
                    moves,
                    by_move,
                )
            ),
            'mail_tracking_value': self._read_rows(
                SQL(
                    """
                    SELECT v.* FROM mail_tracking_value v
                      JOIN mail_message x ON x.id = v.mail_message_id
                      JOIN account_move m ON x.model = 'account.move' AND x.res_id = m.id
                     WHERE m.id IN %s ORDER BY %s, v.field_id, v.id
                    """,
                    moves,
                    by_move,
                )
            ),
            'mail_followers': self._read_rows(
                SQL(
                    """
                    SELECT f.* FROM mail_followers f
                      JOIN account_move m ON f.res_model = 'account.move' AND f.res_id = m.id
                     WHERE m.id IN %s ORDER BY %s, f.partner_id
                    """,
                    moves,
                    by_move,
                )
            ),
            'assist_billing_cycle': self._read_rows(
                SQL("SELECT * FROM assist_billing_cycle WHERE id IN %s ORDER BY id", cycles._ids)
            ),
            'assist_session': self._read_rows(
                SQL(
                    "SELECT * FROM assist_session WHERE association_id IN %s ORDER BY id",
                    cycles.association_id._ids,
                )
            ),
        }

    def _count_written(self):
        """Return how many rows of each table this transaction has written."""
        return dict(
            self.env.execute_query(
                SQL(
                    """
                    SELECT relname, n_tup_ins + n_tup_upd + n_tup_del
                      FROM pg_stat_xact_user_tables
                    """
                )
            )
        )

    def _read_others(self, tables):
        """Return all rows of these tables, but for what differs between any two bills."""
        references = self.env.execute_query(
            SQL(
                """
                SELECT c.conrelid::regclass::text, a.attname
                  FROM pg_constraint c
                  JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1]
                 WHERE c.contype = 'f' AND c.confrelid::regclass::text IN %s
                """,
                tuple(IGNORED.keys() - {'bus_bus', 'ir_cron_trigger'}),
            )
        )
        others = {}
        for table in sorted(tables):
            ignored = {name for owner, name in references if owner == table}
            ignored |= IGNORED_ELSEWHERE | IGNORED.get(table, set())
            if table == 'res_partner':
                ignored -= {'id'}
            rows = self._read_rows(SQL("SELECT * FROM %s", SQL.identifier(table)))
            others[table] = sorted(
                (
                    {name: value for name, value in row.items() if name not in ignored}
                    for row in rows
                ),
                key=repr,
            )
        return others

    def _read_rows(self, query):
        return self.env.execute_query_dict(query)

    def _compare(self, first, second):
        """Return how many values were compared, and a list of what differs."""
        compared = 0
        differences = [(table, 'written', False, True) for table in second.keys() - first.keys()]
        for table, rows in first.items():
            others = second.get(table, [])
            if len(rows) != len(others):
                differences.append((table, 'rows', len(rows), len(others)))
            for row, other in zip(rows, others, strict=False):
                for name in row.keys() | other.keys():
                    if name in IGNORED.get(table, ()):
                        continue
                    compared += 1
                    value, other_value = row.get(name), other.get(name)
                    if value != other_value:
                        differences.append((table, name, value, other_value))
        return compared, differences

    def _assert_equal_both_ways(self, cycles, fast=None, close=None):
        """Make the bills of `cycles` both ways and compare all that is stored of them.

        :param int fast: how many of them the fast way makes; default: all
        :return: how many bills and how many values were compared
        """
        plain, made_fast = self._make_and_read(cycles, slow=True, close=close)
        self.assertFalse(made_fast)
        quick, made_fast = self._make_and_read(cycles, close=close, tables=plain)
        bills = len(plain['account_move'])
        self.assertTrue(bills)
        self.assertEqual(made_fast, bills if fast is None else fast)
        compared, differences = self._compare(plain, quick)
        self.assertFalse(differences)
        return bills, compared

    # === ADD-ONS === #

    @contextmanager
    def _with_add_on(self, *definitions):
        """Have these classes in the registry as an add-on's that nobody has compared."""
        models = [definition._name or definition._inherit for definition in definitions]
        names = {name if isinstance(name, str) else name[0] for name in models}
        before = {name: self.registry[name]._base_classes__ for name in names}
        for definition in definitions:
            add_to_registry(self.registry, definition)
        self._set_up_models(names)
        # Their own fields get their columns, in this transaction.
        self.registry.init_models(self.cr, names, {'module': ADD_ON})
        self.env.flush_all()
        try:
            yield
        finally:
            for name, bases in before.items():
                self.registry[name]._base_classes__ = bases
            self._set_up_models(names)

    @contextmanager
    def _trying(self, definition):
        """Have a subtest with this class in the registry, as an add-on's; undo all of it."""
        with (
            self.subTest(definition.__name__),
            self.cr.savepoint() as savepoint,
            self._with_add_on(definition),
        ):
            yield
            savepoint.rollback()
            self.env.invalidate_all()

    def _set_up_models(self, names):
        for name in self.registry.descendants(names, '_inherit', '_inherits'):
            self.registry[name]._setup_done__ = False
        self.registry._setup_models__(self.cr, names)

    def _create_currency(self, name, rounding, rate):
        currency = self.env['res.currency'].create(
            {'name': name, 'symbol': name, 'rounding': rounding}
        )
        self.env['res.currency.rate'].create(
            {
                'currency_id': currency.id,
                'name': fields.Date.to_date('2025-01-01'),
                'rate': rate,
                'company_id': self.env.company.id,
            }
        )
        return currency
