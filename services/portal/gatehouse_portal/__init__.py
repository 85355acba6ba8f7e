"""The pages of the institute: rendered here, from what the services answer to the person who is signed in."""
