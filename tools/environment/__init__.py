"""A private Odoo 19 to run, test and look at the addons with.

Everything is plain Python without third-party packages, for it runs before there are any. Two
places are written to:

- a cache, shared by all clones of a user (`places.cache_dir`): Odoo, its assets, Python packages;
- the clone's own state (`places.state_dir`): the PostgreSQL cluster, Odoo's files and settings.
"""
