from . import test_meshcentral
from . import test_meshcentral_failures
