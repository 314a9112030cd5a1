"""The doors: one module per wire format, each parses a request and renders a record."""
