"""Sums of several currencies, which are never added up."""


def format_sums(sums):
    """Return sums in words, each in its own currency; an empty text where there is none.

    :param sums: pairs of currency and amount; those without a currency are left out
    """
    return " + ".join(currency.format(amount) for currency, amount in sums if currency)
