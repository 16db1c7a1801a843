from . import assist_fill_hours
