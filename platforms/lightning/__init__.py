"""A LitServe server that accepts jobs at once and tells their results by webhook."""
