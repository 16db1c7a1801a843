from . import usage
from . import preview
