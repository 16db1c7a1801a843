from . import usage
from . import fee_usage
from . import preview
from . import tiers
from . import rollover
from . import simulation
