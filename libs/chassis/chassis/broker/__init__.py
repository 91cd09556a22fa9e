"""RabbitMQ: topology, relay of the outbox, consumer with inbox, retry ladder, dead letters, schedules, worker."""
