"""What a browser finds at the gateway: the start page, the documentation of the API and of the events, the guides."""
