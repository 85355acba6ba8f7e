"""What `pulumi up` runs: the stack's configuration and the catalog become an environment, or the foundation."""

from pathlib import Path

from gatehouse_platform.program import program

program(Path(__file__).resolve().parents[1])
