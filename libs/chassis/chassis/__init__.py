"""The only code that services share: settings, context, errors, events, database, web and broker."""
