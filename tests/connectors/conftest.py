import importlib.util
import sys
from pathlib import Path

# The server that stands in for the tools is shared with the add-on's own tests. It is loaded by
# its path, because the package it lies in needs Odoo.
NAME = 'vendor_server'
PATH = Path(__file__).parents[2] / 'assist_billing' / 'tests' / 'connector' / f'{NAME}.py'

spec = importlib.util.spec_from_file_location(NAME, PATH)
module = importlib.util.module_from_spec(spec)
sys.modules[NAME] = module
spec.loader.exec_module(module)
