"""JSON-LD, as far as signed credentials need it: strict, bounded, and without network."""
