"""Help for people: the mail that the site sends, and later their tickets."""
