"""How fast bills are made: `make bench`.

`worker.py`, `data.py`, `passes.py`, `taking_in.py`, `screens_data.py`, `screens_walk.py` and
`screens_arch.py` run inside Odoo, one process per database; the rest steers them from outside and
reports.
"""
