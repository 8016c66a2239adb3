"""Reports of a replay run: what its events say, folded into one value and written for people and for machines."""
