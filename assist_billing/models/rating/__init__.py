from . import usage
from . import fee_usage
from . import preview
