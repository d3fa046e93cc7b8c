"""The platform's pictures and videos, shown where its own servers would refuse: their names, and how they get here."""
