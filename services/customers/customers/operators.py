"""What operators do to the customers service: `python -m customers.operators resync`."""

import sys

from chassis.references import resync
from customers.models import REFERENCES

if __name__ == "__main__":
    resync.main("customers", REFERENCES, sys.argv[1:])
