"""The routes of the assistant domain."""

from backend.assistant.api.finance import finance
from backend.assistant.api.llm import llm
from backend.assistant.api.music import music
from backend.assistant.api.openai import openai
from backend.assistant.api.password import password
from backend.assistant.api.root import root
from backend.assistant.api.screen import screen, screen_calls
from backend.assistant.api.shell import shell
from backend.assistant.api.tailor_packs import tailor_packs
from backend.assistant.api.time_tracking import time_tracking
from backend.core.openapi import Blueprint

BLUEPRINTS: tuple[Blueprint, ...] = (
    finance,
    llm,
    music,
    openai,
    password,
    root,
    screen,
    screen_calls,
    shell,
    tailor_packs,
    time_tracking,
)
