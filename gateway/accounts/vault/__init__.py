"""The vault: tokens under envelope encryption, in a SQLite file or in PostgreSQL."""
