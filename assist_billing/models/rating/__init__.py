from . import device_days
from . import usage
from . import preview
