"""Pictures of the screen: taking them, now and again and again, and reading what they show."""
