"""Compiles the scripts and styles of Odoo's pages, as Odoo does before its own browser tests.

A browser test that finds none compiles those that it sees, and undoes that at its end with all that
it did: the next one does so again, for seconds each. Run in Odoo's shell.
"""

env['ir.qweb']._pregenerate_assets_bundles()  # noqa: F821 - the environment of Odoo's shell
env.cr.commit()  # noqa: F821
