"""Comparison of two answers to one request: bindings, times, noise, rules, and the differences that remain."""
