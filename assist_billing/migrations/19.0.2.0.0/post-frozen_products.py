"""Cycles keep the product, taxes, unit and account that they are billed with.

Of a cycle that has a bill, or had one, they are those of the bill; of any other those of its plan
as it is now, for it would have been billed by them. No bill is touched.
"""

import json
from collections import defaultdict

from odoo import SUPERUSER_ID, api
from odoo.tools import float_compare

PRINTED_DIGITS = 6
BATCH = 1000


def migrate(cr, version):
    env = api.Environment(cr, SUPERUSER_ID, {'active_test': False})
    give_taxes_to_fees(env)
    env.flush_all()
    freeze(env)
    env['assist.billing.cycle'].invalidate_model(['terms'])


def give_taxes_to_fees(env):
    """Tax the product of flat amounts, which is new, as that of hours, which they had until now."""
    fee, hour = (
        env.ref(f'assist_billing.product_{charge}', raise_if_not_found=False)
        for charge in ('fee', 'hour')
    )
    if fee and hour and not fee.taxes_id:
        fee.taxes_id = hour.taxes_id


def freeze(env):
    """Add what is missing to the terms of all cycles, in as few statements as there are kinds."""
    plans, memo = {}, {}
    last_id = 0
    while cycles := read_cycles(env.cr, last_id):
        last_id = cycles[-1][0]
        lines = read_lines(env.cr, [cycle[0] for cycle in cycles])
        ids_by_terms = defaultdict(list)
        for cycle_id, plan_id, currency_id, price in cycles:
            if plan_id not in plans:
                plan = env['assist.billing.plan'].browse(plan_id)
                plans[plan_id] = plan, plan._prepare_terms()['products']
            plan, products = plans[plan_id]
            frozen = dict(products)
            for kind, line in lines[cycle_id].items():
                # The price tells whether a fiscal position took a tax out of it.
                key = plan.company_id.id, *line, price if kind == 'usage' else None
                if key not in memo:
                    memo[key] = get_terms(env, plan.company_id, *line, key[-1])
                frozen[kind] = memo[key]
            terms = {'products': frozen, 'currency_id': currency_id}
            ids_by_terms[json.dumps(terms, sort_keys=True)].append(cycle_id)
        for terms, ids in ids_by_terms.items():
            env.cr.execute(
                "UPDATE assist_billing_cycle SET terms = terms || %s::jsonb WHERE id = ANY(%s)",
                (terms, ids),
            )


def read_cycles(cr, last_id):
    """Return (id, plan, currency, usage price) of the next cycles that lack something."""
    cr.execute(
        """
        SELECT id, plan_id, currency_id,
               (terms ->> CASE terms ->> 'billing_type' WHEN 'hour' THEN 'price_per_hour'
                          ELSE 'price_per_session' END)::float
          FROM assist_billing_cycle
         WHERE id > %s AND NOT terms ? 'products' ORDER BY id LIMIT %s
        """,
        (last_id, BATCH),
    )
    return cr.fetchall()


def read_lines(cr, cycle_ids):
    """Return what the bills of cycles say: {cycle: {kind: (values of a line)}}.

    The current bill counts before the latest that was taken back; a line of sessions or hours
    before one of another charge.
    """
    cr.execute(
        """
        SELECT DISTINCT ON (cycle_id, kind) cycle_id, kind, product_id, product_uom_id, account_id,
               fiscal_position_id, taxes, CASE WHEN rank = 1 THEN price_unit END
          FROM (
            SELECT COALESCE(m.assist_cycle_id, m.assist_origin_cycle_id) AS cycle_id,
                   CASE l.assist_charge WHEN 'device' THEN 'device' ELSE 'usage' END AS kind,
                   CASE WHEN l.assist_charge IN ('session', 'hour') THEN 1 ELSE 2 END AS rank,
                   m.assist_cycle_id IS NULL AS is_past, l.product_id, l.product_uom_id,
                   l.account_id, m.fiscal_position_id, l.price_unit::float AS price_unit,
                   l.id AS line_id,
                   ARRAY(SELECT t.account_tax_id FROM account_move_line_account_tax_rel t
                          WHERE t.account_move_line_id = l.id ORDER BY 1) AS taxes
              FROM account_move m JOIN account_move_line l ON l.move_id = m.id
             WHERE (m.assist_cycle_id = ANY(%(cycles)s)
                    OR m.assist_origin_cycle_id = ANY(%(cycles)s)
                       AND m.assist_kind = 'given_back')
               AND l.assist_charge IN ('session', 'hour', 'base_fee', 'device', 'minimum')
               AND l.product_id IS NOT NULL AND l.product_uom_id IS NOT NULL
          ) AS line
      ORDER BY cycle_id, kind, is_past, rank, line_id DESC
        """,
        {'cycles': cycle_ids},
    )
    lines = defaultdict(dict)
    for cycle_id, kind, product, uom, account, position, taxes, price_unit in cr.fetchall():
        lines[cycle_id][kind] = (product, uom, account, position, tuple(taxes), price_unit)
    return lines


def get_terms(
    env, company, product_id, uom_id, account_id, position_id, tax_ids, price_unit, price
):
    """Return what a line was made of, as `_prepare_product_terms` does: before its position."""
    product = env['product.product'].browse(product_id)
    position = env['account.fiscal.position'].browse(position_id or ())
    taxes, account = env['account.tax'].browse(tax_ids), env['account.account'].browse(account_id)
    if position:
        present_taxes, present_account = product._assist_get_accounting(company)
        taxes = find_taxes(product, position, taxes, present_taxes, price_unit, price)
        account = find_account(position, account, present_account)
    return {
        'product_id': product_id,
        'tax_ids': taxes.ids,
        'uom_id': uom_id,
        'account_id': account.id,
    }


def find_taxes(product, position, mapped, present, price_unit, price):
    """Return the taxes that `position` made `mapped` of.

    :param present: those of the product now; the first to be thought of
    :param price_unit: on the bill; and the price in the terms. Or None, where that says nothing
    """
    by_position = mapped.original_tax_ids.filtered(
        lambda tax: position in mapped.fiscal_position_ids and tax.company_id in mapped.company_id
    )
    for taxes in (present, *by_position, mapped):
        if set(position.map_tax(taxes).ids) != set(mapped.ids):
            continue
        if price_unit is None or price is None:
            return taxes
        printed = product._get_tax_included_unit_price_from_price(
            price, taxes, fiscal_position=position
        )
        if not float_compare(printed, price_unit, precision_digits=PRINTED_DIGITS - 1):
            return taxes
    return mapped


def find_account(position, mapped, present):
    """Return the account that `position` made `mapped` of."""
    if position.map_account(present) == mapped:
        return present
    sources = position.account_ids.filtered(lambda line: line.account_dest_id == mapped)
    return sources.account_src_id[:1] or mapped
