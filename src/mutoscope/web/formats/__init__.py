"""How dates are written where a page says nothing else: short, by the day first, and never by half days."""
