"""The migration tool: ledger, proxy, recording, replay, comparison and reports.

It knows the two sides only as HTTP or WSGI; it imports nothing of ``backend`` or ``legacy``.
"""
