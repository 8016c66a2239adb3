"""The history of the spot database. The first revision is the old side's schema."""
