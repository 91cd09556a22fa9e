"""Hypothesis without a deadline: the machine is shared, and a first call reads the names of countries."""

import hypothesis

hypothesis.settings.register_profile("patient", deadline=None)
hypothesis.settings.load_profile("patient")
