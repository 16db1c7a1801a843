"""Time zones to choose from, each with the offset that its clocks show now."""

from datetime import datetime
from zoneinfo import ZoneInfo

from odoo.addons.base.models.res_partner import _tz_get


def get_offset(name):
    """Return the present offset of a zone from UTC, in words: `UTC+05:30`."""
    offset = f"{datetime.now(ZoneInfo(name)):%z}"
    return f"UTC{offset[:3]}:{offset[3:5]}"


def get_zones(model):
    """Return Odoo's selection of zones with their offsets, for a field's `selection`."""
    return [(name, f"{label} ({get_offset(name)})") for name, label in _tz_get(model)]
