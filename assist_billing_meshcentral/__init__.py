from . import meshcentral
