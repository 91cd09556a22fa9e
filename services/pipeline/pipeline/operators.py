"""What operators do to the pipeline service: `python -m pipeline.operators resync`."""

import sys

from chassis.references import resync
from pipeline.models import REFERENCES

if __name__ == "__main__":
    resync.main("pipeline", REFERENCES, sys.argv[1:])
