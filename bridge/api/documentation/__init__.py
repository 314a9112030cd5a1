"""What the service offers, made from its own routes: OpenAPI, a page, a short list."""
