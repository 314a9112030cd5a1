"""The whole stack in one container of Modal."""
