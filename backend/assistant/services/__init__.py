"""What the assistant does, without HTTP."""
