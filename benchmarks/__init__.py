"""How fast Cutover is, as ratios of two things measured in one run on one machine."""
