"""What the spot system does. Plain functions: the session comes in, and no request is known here.

Statements run in the order they are written, one by one, because what a failing request leaves behind is visible later.
"""
