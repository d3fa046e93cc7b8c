"""Connected accounts: their consent by OAuth, and their tokens, which are stored encrypted."""
