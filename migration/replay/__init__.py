"""Replay: sending a recording again, to one side or to both, as a stream of events."""
