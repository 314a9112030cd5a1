"""What the service offers, told by its own routes: OpenAPI, a page, a short list."""
