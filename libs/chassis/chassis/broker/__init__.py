"""RabbitMQ: topology, relay of the outbox, consumer with inbox, retries, dead letters, schedules, worker."""
