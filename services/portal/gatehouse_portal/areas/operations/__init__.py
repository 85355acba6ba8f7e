"""How the platform itself runs: the health, configuration and traffic of every service."""
