"""The routes' handlers, one module per wire format: parse the request, render the record."""
