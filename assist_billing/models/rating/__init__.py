from . import usage
from . import fee_usage
from . import preview
from . import unusual
from . import tiers
from . import rollover
from . import simulation
