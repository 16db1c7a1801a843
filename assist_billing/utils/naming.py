"""Which records something is said of, in words that fit on the screen."""

# So many are named.
NAMED = 5


def name_some(env, names, at_least=False):
    """Return the first of these names, and how many more there are.

    :param at_least: there are others besides that were not counted
    """
    text, more = ", ".join(names[:NAMED]), len(names) - NAMED
    if more <= 0:
        return text
    if at_least:
        return env._("%(names)s and at least %(count)s more", names=text, count=more)
    return env._("%(names)s and %(count)s more", names=text, count=more)
