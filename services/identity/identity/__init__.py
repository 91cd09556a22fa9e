"""Companies, users and the tokens that the other services trust."""
