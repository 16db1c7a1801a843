"""Checks that say in words what the database would refuse in code."""

from datetime import date

from odoo import fields
from odoo.exceptions import ValidationError

# Days that are counted with: nobody was helped from afar before, and the calendar has an end.
FIRST_DAY = date(1990, 1, 1)
LAST_DAY = date(2200, 1, 1)
# Nobody waits longer for money, or for sessions; and dates stay within the calendar.
MOST_DAYS = 3650


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


def refuse_absurd_dates(records, vals, names):
    """Raise ValidationError if `vals` puts a day into one of `names` that cannot be meant.

    :param records: the records to be written, or an empty recordset for new ones
    """
    for name in names:
        try:
            day = fields.Date.to_date(vals.get(name) or False)
        except ValueError:  # as Odoo's import writes the first centuries: 1-01-01
            day = date.min
        if day and not FIRST_DAY <= day <= LAST_DAY:
            raise ValidationError(
                records.env._(
                    "%(model)s “%(record)s”: %(field)s %(date)s is out of range: give a day "
                    "from %(first)s to %(last)s.",
                    model=records._description,
                    record=vals.get('name') or records[:1].display_name or records.env._("new"),
                    field=records.fields_get([name], ['string'])[name]['string'],
                    date=vals[name],
                    first=FIRST_DAY,
                    last=LAST_DAY,
                )
            )


def refuse_too_many(records, vals, limits):
    """Raise ValidationError if `vals` puts more than its limit into a field.

    :param dict limits: name of a field of whole numbers -> the most it may be
    """
    for name, most in limits.items():
        if (vals.get(name) or 0) > most:
            raise ValidationError(
                records.env._(
                    "%(model)s “%(record)s”: %(field)s %(value)s is too many; %(most)s at most.",
                    model=records._description,
                    record=vals.get('name') or records[:1].display_name or records.env._("new"),
                    field=records.fields_get([name], ['string'])[name]['string'],
                    value=vals[name],
                    most=most,
                )
            )
