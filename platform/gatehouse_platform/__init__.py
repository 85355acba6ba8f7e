"""What runs in AWS, derived from the catalog: the Pulumi program, its policies, and what shows them without AWS.

Importing this package imports no Pulumi; the modules that make resources do.
"""
