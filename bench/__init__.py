"""The benchmarks: `python -m bench` starts a stack of its own, measures it against a bare floor, and takes it down."""
