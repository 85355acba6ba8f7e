"""`gate stack`: looks at the AWS platform without AWS."""

import click


@click.group()
def stack() -> None:
    """Look at an environment in AWS before anything is done there."""
