"""What this service may call, and how: checked addresses, bounded downloads."""
