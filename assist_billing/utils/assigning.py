"""Setting computed fields of very many records."""

from collections import defaultdict


def assign(records, name, get_value):
    """Set a computed field of `records`, those of one value at once.

    Of thousands it takes longer to set the figures one by one than to find them.

    :param get_value: function of a record; amounts of money have to be in one currency
    """
    alike = defaultdict(list)
    for record in records:
        alike[get_value(record)].append(record.id)
    for value, ids in alike.items():
        records.browse(ids)[name] = value
