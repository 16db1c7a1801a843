"""Plain-Python heart of the addon: the arithmetic of cycles and of rating.

Nothing here imports Odoo, and these rules stand nowhere else.
"""
