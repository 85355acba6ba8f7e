"""Live connections: WebSockets that tell a page what changed, and how a browser without a token opens one."""
