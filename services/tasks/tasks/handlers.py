"""Every event that the tasks service consumes, and what it does about it."""

from chassis.broker.schedules import Schedule
from chassis.broker.subscriptions import Subscriptions
from chassis.references import bindings, handlers
from tasks.models import REFERENCES

SUBSCRIPTIONS = Subscriptions(bindings=bindings(*REFERENCES), handlers=handlers(*REFERENCES))
SCHEDULES: tuple[Schedule, ...] = ()
