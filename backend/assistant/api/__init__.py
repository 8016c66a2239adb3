"""The routes of the assistant domain."""

from backend.core.openapi import Blueprint

BLUEPRINTS: tuple[Blueprint, ...] = ()
