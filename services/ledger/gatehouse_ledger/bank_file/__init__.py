"""Files of banks, read into one form. Pure functions of bytes: no database, no HTTP.

Whatever the bytes are, they end in statements or in FileRefused, which says where the file is wrong and what to do.
"""
