"""Checks that say in words what the database would refuse in code."""

from decimal import Decimal

from odoo.exceptions import ValidationError


def refuse_negative(records, vals, names):
    """Raise ValidationError if `vals` puts a negative number into one of the fields `names`.

    :param records: the records to be written, or an empty recordset for new ones
    """
    for name in names:
        if (vals.get(name) or 0) < 0:
            raise ValidationError(
                records.env._(
                    "%(model)s “%(record)s”: %(field)s cannot be negative (%(value)s).",
                    model=records._description,
                    record=vals.get('name') or records[:1].display_name or records.env._("new"),
                    field=records.fields_get([name], ['string'])[name]['string'],
                    value=vals[name],
                )
            )


def count_digits(number):
    """Return how many decimals a float has; what arithmetic left in its last digits aside."""
    return max(0, -Decimal(f'{number:.15g}').normalize().as_tuple().exponent)
