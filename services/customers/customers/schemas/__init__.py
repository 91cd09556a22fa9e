"""What clients send to the customers service and get from it, by noun."""
