"""The page of a film, and the cards that lead to it."""
