CONTAINERS = "compose.json"  # in a state folder: it runs in containers, and with these profiles
