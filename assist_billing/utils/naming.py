"""Which records something is said of, in words that fit into a notice."""

# So many are named.
NAMED = 5


def name_some(records):
    """Return the names of the first of these records, and how many more there are."""
    names = ", ".join(records[:NAMED].mapped('display_name'))
    more = len(records) - NAMED
    if more <= 0:
        return names
    return records.env._("%(names)s and %(count)s more", names=names, count=more)
