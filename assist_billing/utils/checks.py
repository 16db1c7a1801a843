"""Checks that say in words what the database would refuse in code, and what tidies before them."""

import math
import re
from datetime import date
from decimal import Decimal

from odoo import fields, models
from odoo.exceptions import ValidationError
from odoo.fields import Command
from odoo.orm.identifiers import NewId

# One of several addresses: up to a comma that stands in no name and in no angle brackets.
ADDRESS_PART = re.compile(r'(?:"[^"]*"|<[^<>]*>|[^,])+')
NAMED_ADDRESS = re.compile(r'[^<>]*<([^<>]*)>')
# Days that are counted with: nobody was helped from afar before, and the calendar has an end.
FIRST_DAY = date(1990, 1, 1)
LAST_DAY = date(2200, 1, 1)
# Nobody waits longer for money, or for sessions; and dates stay within the calendar.
MOST_DAYS = 3650
# Minutes and seconds of rules: no session is longer.
MOST_MINUTES = 366 * 24 * 60
# Beyond, a float has no cents left, and a column no room.
MOST_MONEY = 10**12
MOST_WHOLE = 2**31 - 1
NUMBERS = ('integer', 'float', 'monetary')


def address_key(address):
    """Return by what two e-mail addresses are known to be the same: without case or final dot."""
    return (address or '').strip().rstrip('.').lower()


def split_addresses(text):
    """Return the e-mail addresses in a list separated by commas, each once, as first written.

    Names are left out ("Ada <ada@x.example>"), and the dot that a domain may end with. What is no
    address stays as it is, to be refused.
    """
    found = {}
    for part in ADDRESS_PART.findall(str(text or '')):
        named = NAMED_ADDRESS.fullmatch(part.strip())
        address = (named[1] if named else part).strip().rstrip('.')
        if address:
            found.setdefault(address_key(address), address)
    return list(found.values())


def _name_field(records, vals, name):
    """Return what an error says first, as people know it: the model, the record, the field."""
    return {
        'model': records.env['ir.model']._get(records._name).name,
        'record': str(vals.get('name') or records[:1].display_name or records.env._("new"))[:100],
        'field': records.fields_get([name], ['string'])[name]['string'],
    }


def _is_command(command):
    """Tell whether a value is one that Odoo takes for a field of several records."""
    if isinstance(command, (list, tuple)) and command and command[0] in range(7):
        number, *rest = command
        last = rest[-1] if rest else None
        if number in {Command.CREATE, Command.UPDATE}:
            return len(rest) == 2 and isinstance(last, dict)
        if number == Command.SET:
            return isinstance(last, (list, tuple)) and all(map(_is_id, last))
        return number == Command.CLEAR or (bool(rest) and _is_id(rest[0]))
    return _is_id(command)


def _is_id(value):
    """Tell whether a value can be the ID of a record; such as Odoo makes up for new ones, too."""
    if isinstance(value, int):
        return value is not True and abs(value) <= MOST_WHOLE
    return isinstance(value, (NewId, models.BaseModel))


def _reads(read, value):
    """Tell whether `read` makes something of a value."""
    try:
        read(value)
    except (TypeError, ValueError):
        return False
    except OverflowError:
        return True  # that it is too much is said elsewhere
    return True


def _is_taken(records, field, value):
    """Tell whether a field can take a value of this type."""
    if value is None or value is False:
        return True
    match field.type:
        case 'char' | 'text' | 'html' | 'json' | 'selection':
            return _is_text_taken(records, field, value)
        case 'integer':
            return isinstance(value, float) or _reads(int, value)
        case 'float' | 'monetary':
            return _reads(float, value)
        case 'date':
            return _reads(fields.Date.to_date, value)
        case 'datetime':
            return _reads(fields.Datetime.to_datetime, value)
        case 'binary':
            return isinstance(value, str | bytes)
    return _are_records_taken(field, value)


def _is_text_taken(records, field, value):
    """Tell whether a field that is stored as text can take a value: PostgreSQL has no \\0."""
    if field.type == 'selection':
        return isinstance(value, str) and (not value or value in field.get_values(records.env))
    if field.type == 'json':
        return '\\x00' not in repr(value)
    texts = value.values() if field.translate and isinstance(value, dict) else [value]
    return all(isinstance(text, str | int | float) and '\0' not in str(text) for text in texts)


def _are_records_taken(field, value):
    """Tell whether a field can take a value, if it refers to records."""
    if field.type == 'many2one':
        return _is_id(value[0] if isinstance(value, tuple) and value else value)
    if field.type in {'one2many', 'many2many'}:
        return isinstance(value, models.BaseModel) or (
            isinstance(value, list | tuple) and all(map(_is_command, value))
        )
    return True


def refuse_wrong_types(records, vals, sparing=()):
    """Raise ValidationError if `vals` gives a field of ours what is no value of its type.

    Screens cannot send it, programs can; Odoo would say it in code.

    :param records: the records to be written, or an empty recordset for new ones
    :param sparing: types or names of fields that are left to who says more, if a value is simple
    """
    for name, value in vals.items():
        field = records._fields.get(name)
        if not field or not any(module.startswith('assist_billing') for module in field._modules):
            continue
        simple = (str,) if name in sparing else (str, int, float, date)
        if (field.type in sparing or name in sparing) and isinstance(value, simple):
            continue
        if not _is_taken(records, field, value):
            raise ValidationError(
                records.env._(
                    "%(model)s “%(record)s”: %(field)s cannot be %(value)s. It takes %(kind)s.",
                    value=repr(value)[:50],
                    kind=_describe_type(records, field),
                    **_name_field(records, vals, name),
                )
            )
        if field.type in NUMBERS:
            refuse_uncountable(records, vals, {name})


def _describe_type(records, field):
    """Return in words what a field takes."""
    env = records.env
    match field.type:
        case 'integer':
            return env._("a whole number")
        case 'float' | 'monetary':
            return env._("a number")
        case 'date':
            return env._("a day, such as 2026-01-31")
        case 'datetime':
            return env._("a time, such as 2026-01-31 14:05:00")
        case 'selection':
            return env._("one of these: %s", ", ".join(field.get_values(env))[:300])
        case 'binary':
            return env._("a file, in Base64")
        case 'many2one':
            return env._("the ID of a record")
        case 'one2many' | 'many2many':
            return env._("a list of IDs or of commands")
    return env._("a text")


def refuse_too_long(records, vals, limits):
    """Raise ValidationError if `vals` puts a longer text than its limit into a field.

    :param dict limits: name of a field of text -> the most characters it may have
    """
    for name, most in limits.items():
        if len(str(vals.get(name) or '')) > most:
            raise ValidationError(
                records.env._(
                    "%(model)s “%(record)s”: %(field)s has at most %(most)s characters.",
                    most=most,
                    **_name_field(records, vals, name),
                )
            )


def find_used(records, references):
    """Return those of `records` that others refer to.

    :param references: pairs of a model and of its field that refers to them
    """
    used = records.browse()
    for model, name in references:
        # sudo: what another company uses is used
        rows = records.env[model].sudo()._read_group([(name, 'in', records.ids)], [name])
        used = used.union(*(record for [record] in rows))
    return used


def _read_number(value):
    """Return a number as Odoo will read it, also if it comes as text; 0 of what is none.

    Odoo says so itself when it is to store it.
    """
    try:
        return float(value or 0)
    except OverflowError:
        return math.inf
    except (TypeError, ValueError):
        return 0.0


def refuse_negative(records, vals, names):
    """Raise ValidationError if `vals` puts a negative number into one of the fields `names`.

    :param records: the records to be written, or an empty recordset for new ones
    """
    for name in names:
        if _read_number(vals.get(name)) < 0:
            raise ValidationError(
                records.env._(
                    "%(model)s “%(record)s”: %(field)s cannot be negative (%(value)s).",
                    value=vals[name],
                    **_name_field(records, vals, name),
                )
            )


def refuse_uncountable(records, vals, names):
    """Raise ValidationError if `vals` puts into one of `names` what nobody can count with.

    JSON as Python reads it has NaN and Infinity, which are neither negative nor too many.

    :param records: the records to be written, or an empty recordset for new ones
    :param names: names of fields that are numbers
    """
    for name in sorted(names & vals.keys()):
        number = _read_number(vals[name])
        most = MOST_WHOLE if records._fields[name].type == 'integer' else MOST_MONEY
        if not abs(number) <= most:  # NaN is not
            raise ValidationError(
                records.env._(
                    "%(model)s “%(record)s”: %(field)s, %(value)s, is no number to count with. "
                    "Enter one between -%(most)s and %(most)s.",
                    value=str(vals[name])[:30],
                    most=most,
                    **_name_field(records, vals, name),
                )
            )


def count_digits(number):
    """Return how many decimals a float has; what arithmetic left in its last digits aside."""
    return max(0, -Decimal(f'{number:.15g}').normalize().as_tuple().exponent)


def refuse_absurd_dates(records, vals, names):
    """Raise ValidationError if `vals` puts a day into one of `names` that cannot be meant.

    :param records: the records to be written, or an empty recordset for new ones
    """
    for name in names:
        try:
            day = fields.Date.to_date(vals.get(name) or False)
        except (TypeError, ValueError):  # or as Odoo's import writes the first centuries: 1-01-01
            day = date.min
        if day and not FIRST_DAY <= day <= LAST_DAY:
            raise ValidationError(
                records.env._(
                    "%(model)s “%(record)s”: %(field)s %(date)s is out of range: give a day "
                    "from %(first)s to %(last)s.",
                    date=vals[name],
                    first=FIRST_DAY,
                    last=LAST_DAY,
                    **_name_field(records, vals, name),
                )
            )


def refuse_too_many(records, vals, limits):
    """Raise ValidationError if `vals` puts more than its limit into a field.

    :param dict limits: name of a field of whole numbers -> the most it may be
    """
    for name, most in limits.items():
        if _read_number(vals.get(name)) > most:
            raise ValidationError(
                records.env._(
                    "%(model)s “%(record)s”: %(field)s %(value)s is too many; %(most)s at most.",
                    value=vals[name],
                    most=most,
                    **_name_field(records, vals, name),
                )
            )
