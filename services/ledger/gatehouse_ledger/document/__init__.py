"""Letters and reports as PDF: what they say, apart from how they are set (document.typ)."""
