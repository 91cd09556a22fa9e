"""What clients send to identity and get from it, by noun."""
