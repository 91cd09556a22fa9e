"""What works through the API alone, as any client does: imports from the command line, and demo data."""
