"""What Pulumi runs; here, since dynamic providers look for .venv beside the program (pulumi/pulumi #7061)."""

from pathlib import Path

from gatehouse_platform.program import program

program(Path(__file__).resolve().parent)
