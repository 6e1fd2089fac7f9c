"""What the daemon serves over HTTP: the door for webhooks. Loaded only where a source has use for it."""
