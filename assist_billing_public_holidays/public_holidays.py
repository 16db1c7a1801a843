"""Which days are public holidays, by the package `holidays`, which knows them by law and custom."""

import holidays


def get_countries():
    """Return the ISO 3166 codes of two letters of the countries whose holidays are known."""
    return sorted(code for code in holidays.list_supported_countries() if len(code) == 2)


def get_regions(country):
    """Return the regions of a country that have holidays of their own: code -> name.

    :param str country: one of `get_countries`
    """
    known = holidays.country_holidays(country)
    names = {code: name for name, code in known.subdivisions_aliases.items()}
    return {code: names.get(code, code) for code in known.subdivisions}


def find_region(country, text):
    """Return the code of a region that is given by its code or its name; None if there is none."""
    known = holidays.country_holidays(country)
    codes = {code.casefold(): code for code in known.subdivisions}
    codes |= {name.casefold(): code for name, code in known.subdivisions_aliases.items()}
    return codes.get(text.strip().casefold())


def find(country, region, years):
    """Return the public holidays of some years: date -> name, in the country's own language.

    Where a day off is moved to another day, the other day is one too.

    :param region: a code of `get_regions`; None for what the whole country has
    """
    # Otherwise the language is the server's.
    language = holidays.country_holidays(country).default_language
    return dict(
        holidays.country_holidays(country, subdiv=region, years=years, language=language).items()
    )
