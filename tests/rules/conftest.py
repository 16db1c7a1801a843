"""Hypothesis for the rules: a busy machine is no failure, so no deadline per example."""

from hypothesis import settings
from thorough import few

settings.register_profile('rules', deadline=None, max_examples=few(100, 25))
settings.load_profile('rules')
