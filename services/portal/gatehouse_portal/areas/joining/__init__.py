"""How people come to the institute: the form for strangers, and the coordinators' board."""
