from . import test_handing_over
