"""Hypothesis for the rules: a busy machine is no failure, so no deadline per example."""

from hypothesis import settings

settings.register_profile('rules', deadline=None)
settings.load_profile('rules')
