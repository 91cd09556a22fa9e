"""What operators do to the sample: `python -m sample.operators resync | heal`."""

import sys

from chassis.healing import command as healing
from chassis.healing.kinds import kinds_of, views_in
from chassis.references import resync
from sample import events, views
from sample.commands.authors import AUTHOR_PURGES
from sample.models import REFERENCES

KINDS = kinds_of(events.PUBLISHED, views_in(views))

if __name__ == "__main__":
    if sys.argv[1:2] == [healing.COMMAND]:
        healing.main(events.SOURCE, KINDS, sys.argv[2:])
    else:
        resync.main("sample", REFERENCES, sys.argv[1:], removers={"author": AUTHOR_PURGES.note})
