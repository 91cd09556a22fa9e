"""The engine of imports: a file on its way to records of a service, which says what these are."""
