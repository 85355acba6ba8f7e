"""The people of the institute, as far as the reader may know them."""
