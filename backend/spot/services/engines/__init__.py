"""Decision engines: what one is, the one that comes with the system, and how the one in force is loaded and asked."""
