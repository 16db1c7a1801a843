from dataclasses import replace
from fractions import Fraction

from odoo import fields, models

from ...rules import rollover


class AssistBillingCycle(models.Model):
    """Included sessions or hours that a cycle did not use, handed on to the next one.

    They are handed on when it closes. From then on both sides are frozen: what the next cycle was
    handed, and what this one does not have any more. Only while the next one is open, a cycle
    billed again hands on anew.
    """

    _inherit = 'assist.billing.cycle'

    # === FIELDS === #

    rollover_in = fields.Json(
        readonly=True,
        help="What it was handed by the cycles before: of which, how much, for how many cycles.",
    )
    rollover_out = fields.Json(
        readonly=True, help="What it has handed on to the next cycle, in the same shape."
    )

    # === BUSINESS METHODS === #

    def _add_rollover(self, terms):
        """Return `terms` with what this cycle was handed, and without what it has handed on."""
        self.ensure_one()
        carried, is_handed_on = self.rollover_in, True
        if self.state != 'closed':
            before, after = self._get_neighbours()
            is_handed_on = after.state not in (False, 'open')
            if self.state == 'open':
                carried = before._get_handed_on(terms)
        return replace(
            terms,
            carried=carried or (),
            handed_on=(is_handed_on and self.rollover_out) or (),
        )

    def _get_neighbours(self):
        """Return the cycles before and after this one, each empty where there is none."""
        found = self.search(
            [
                ('association_id', '=', self.association_id.id),
                '|',
                ('date_end', '=', self.date_start),
                ('date_start', '=', self.date_end),
            ]
        )
        before = found.filtered(lambda cycle: cycle.date_end == self.date_start)
        return before, found - before

    def _get_handed_on(self, terms):
        """Return what this cycle hands on to one of `terms`; nothing while it is open.

        Hours are no sessions: a plan of another type takes none over.
        """
        if not self or self.state == 'open' or self.terms['billing_type'] != terms.billing_type:
            return ()
        return self.rollover_out or ()

    def _prepare_rollover_vals(self, rated):
        """Return what a cycle keeps of its rollover when it closes; nothing without one.

        :param rated: its rating, as it is billed
        """
        self.ensure_one()
        terms = rated.terms
        if terms.rollover == 'none':
            return {}
        handed_on = terms.handed_on or rollover.carry_over(
            terms.carried,
            rated.left,
            self.id,
            terms.rollover_cycles,
            Fraction(terms.rollover_cap) if terms.rollover == 'capped' else None,
        )
        return {
            'rollover_in': [each.as_row() for each in terms.carried],
            'rollover_out': [each.as_row() for each in handed_on],
        }

    def _prepare_waived_rollover_vals(self):
        """Return the same of a cycle that is waived: it hands on what it was handed, if it lasts.

        Nothing was billed for what it included itself.
        """
        self.ensure_one()
        vals = self._prepare_rollover_vals(self._rate([]))
        if not vals or self._get_terms().handed_on:
            return vals
        kept = [row for row in vals['rollover_out'] if row[0] != self.id]
        return {**vals, 'rollover_out': kept}

    # === IN WORDS === #

    def _get_rollover_rows(self):
        """Return the rollover among the terms in words, and what it came to in this cycle."""
        terms = self._get_frozen_terms()
        if terms.rollover == 'none':
            return []
        text = self._get_term_choice('rollover')
        if terms.rollover == 'capped':
            text = self.env._(
                "at most %(quantity)s", quantity=self._format_quantity(float(terms.rollover_cap))
            )
        rows = [
            (
                self._get_term_label('rollover'),
                self.env._(
                    "%(how)s. Cycles in which it can be used: %(count)s",
                    how=text,
                    count=terms.rollover_cycles,
                ),
            )
        ]
        labels = (self.env._("Taken over"), self.env._("Handed on"))
        for label, kept in zip(labels, (self.rollover_in, self.rollover_out), strict=True):
            total = sum((each.quantity for each in rollover.read_carried(kept or ())), Fraction())
            if total:
                rows.append((label, self._format_quantity(float(total))))
        return rows
