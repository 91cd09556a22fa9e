"""Rules of people's data: texts, names, addresses and numbers as people write them. Pure, and of no trade."""
