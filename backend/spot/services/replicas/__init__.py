"""Instances that stand by for an agent's primary, and how one of them takes its place.

`primary` says what an agent's primary is, `standby` what standing by means. Whoever changes either locks the agent's
row first and a replica's row second, so of two that want the same thing one finds it done.
"""
