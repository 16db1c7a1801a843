from odoo import models
from odoo.tools import formatLang

from ...rules import rating, tiers
from ...utils.checks import count_digits


class AssistBillingCycle(models.Model):
    """The tiers of a cycle in words, as its bill and statement name them."""

    _inherit = 'assist.billing.cycle'

    # === BUSINESS METHODS === #

    def _describe_tier(self, place):
        """Return which tier a price is of, in the language of the context; nothing if of none.

        :param int place: as of `rules.tiers`, in the terms of this cycle
        """
        self.ensure_one()
        if place is None:
            return ""
        terms = self._get_frozen_terms()
        starts = self._get_tier_starts(terms)
        start = starts[place - 1] if place else 0
        end = starts[place] if place < len(starts) else None
        words = self._format_tier(terms, start, end)
        if terms.tier_mode == 'volume' and words:
            # All have this price, also those below the tier.
            return self.env._("price tier: %(tier)s", tier=words)
        return words

    def _get_tier_starts(self, terms):
        """Return where the tiers begin in this cycle, in printed sessions or hours."""
        scale = rating.get_scale(terms, self._get_rated_period())
        step = rating.ONE.scaleb(-terms.quantity_digits)
        starts = tiers.get_starts(terms.tiers, scale)
        return [float(rating.round_half_up(start, step)) for start in starts]

    def _format_tier(self, terms, start, end):
        """Return a tier from `start` to `end` in words; `end` is None of the last one."""
        if end is None:
            if not start:
                return ""
            return self.env._("from %(quantity)s on", quantity=self._format_exactly(terms, start))
        last = self._format_exactly(terms, end)
        if not start:
            return self.env._("up to %(quantity)s", quantity=last)
        first = formatLang(self.env, start, digits=count_digits(start))
        return self.env._("%(first)s to %(quantity)s", first=first, quantity=last)

    def _format_exactly(self, terms, quantity):
        """Return so many sessions or hours in words, with the digits that they have."""
        number = formatLang(self.env, quantity, digits=count_digits(quantity))
        if terms.billing_type == 'hour':
            words = self.env._("%s hour") if quantity == 1 else self.env._("%s hours")
        else:
            words = self.env._("%s session") if quantity == 1 else self.env._("%s sessions")
        return words % number

    def _get_tier_rows(self):
        """Return the tiers among the terms in words: as the plan has them, whatever the cycle."""
        terms = self._get_frozen_terms()
        if not terms.tiers:
            return []
        label = self._get_term_label('tier_ids')
        starts = [float(tier.from_quantity) for tier in terms.tiers]
        rows = []
        if starts[0]:
            below = self._format_tier(terms, 0, starts[0])
            rows.append(f"{below}: {self._format_price(float(terms.price))}")
        for i, tier in enumerate(terms.tiers):
            words = self._format_tier(terms, starts[i], (starts[i + 1 :] or [None])[0])
            price = self._format_price(float(tier.price))
            rows.append(f"{words}: {price}" if words else price)
        rows.append(self._get_term_choice('tier_mode'))
        return [(label if not i else "", text) for i, text in enumerate(rows)]
