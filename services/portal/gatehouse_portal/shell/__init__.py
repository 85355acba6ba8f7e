"""What every page stands on: the frame, sessions, forms, calls to other services. It knows no area."""
