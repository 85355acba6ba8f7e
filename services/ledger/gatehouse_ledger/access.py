"""Who reads and writes the books: finance writes, the board reads; a month is closed by another person of either."""

FINANCE = ("finance",)
READERS = ("finance", "board")
CLOSERS = ("finance", "board")
