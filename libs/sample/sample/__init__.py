"""The sample service: shelves and the books on them."""
