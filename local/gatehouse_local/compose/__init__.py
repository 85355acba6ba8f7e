CONTAINERS = "compose.json"  # in a state folder: the platform was started in containers, with these profiles
