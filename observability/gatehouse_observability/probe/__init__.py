"""`gate probe`: one member's visit through the public address, to see from outside whether the platform can be used."""
