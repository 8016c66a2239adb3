"""What the assistant adds to the command line."""
