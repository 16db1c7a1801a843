"""How fast bills are made: `make bench`.

`worker.py`, `data.py`, `passes.py` and `taking_in.py` run inside Odoo, one process per database;
the rest steers them from outside and reports.
"""
