"""The old side: the monolith that is being left behind, and the shim that reaches it."""
