"""The history of the assistant's database."""
