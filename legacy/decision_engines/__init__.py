"""Decision engines that the monolith can load by name."""
