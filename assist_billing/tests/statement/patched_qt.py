import os
import unittest
from unittest.mock import patch

from odoo.addons.base.models.ir_actions_report import _wkhtml

# The folder of a wkhtmltopdf with patched Qt; `make test` fetches it and says where it is.
PATCHED_QT = os.environ.get('ASSIST_PATCHED_WKHTMLTOPDF')


@unittest.skipUnless(PATCHED_QT, "`make test` has a wkhtmltopdf with patched Qt at hand")
class PatchedQt:
    """Has the tests of a class print by a wkhtmltopdf with patched Qt; stands before that class."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # Odoo looks only once which one it has.
        cls.addClassCleanup(_wkhtml.cache_clear)
        path = os.pathsep.join((PATCHED_QT, os.environ['PATH']))
        cls.startClassPatcher(patch.dict(os.environ, PATH=path))
        _wkhtml.cache_clear()
