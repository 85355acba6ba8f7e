"""What runs in each environment, and promoting it to the next one."""
