"""A stack of containers: its file, its engine, and what an operator does with it."""
