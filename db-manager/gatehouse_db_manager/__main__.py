"""`python -m gatehouse_db_manager`: what a database image runs, where there is no `gate`."""

from gatehouse_db_manager.cli.commands import db

if __name__ == "__main__":
    db(prog_name="gatehouse-db")
