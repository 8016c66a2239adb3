"""From prices as agents submit them to one price for each pool and five minutes."""
