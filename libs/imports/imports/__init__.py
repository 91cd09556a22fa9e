"""Files of people's data on their way in: how they are read, what their columns mean, what their cells say."""
