"""The audit trail: what was done that somebody must be able to prove later, without personal data."""
