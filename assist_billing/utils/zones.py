"""Time zones to choose from, each with the offset that its clocks show now."""

from datetime import datetime, timezone
from functools import lru_cache
from zoneinfo import ZoneInfo

from odoo.addons.base.models.res_partner import _tz_get


def get_offset(name):
    """Return the present offset of a zone from UTC, in words: `UTC+05:30`."""
    return _format_offset(name, datetime.now(timezone.utc))


def get_zones(model):
    """Return Odoo's selection of zones with their offsets, for a field's `selection`.

    Odoo asks for it anew for each row that it exports or imports.
    """
    now = datetime.now(timezone.utc)
    # Clocks are changed at whole quarters of an hour.
    return _get_zones_at(now.replace(minute=now.minute // 15 * 15, second=0, microsecond=0))


@lru_cache(maxsize=1)
def _get_zones_at(moment):
    return [(name, f"{label} ({_format_offset(name, moment)})") for name, label in _tz_get(None)]


def _format_offset(name, moment):
    offset = f"{moment.astimezone(ZoneInfo(name)):%z}"
    return f"UTC{offset[:3]}:{offset[3:5]}"
