"""Many agents at once, and the dashboard user who sends them elsewhere."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.simulator.agent import Agent, Timing
from tests.simulator.calls import Call, Session
from tests.simulator.cloud import Cloud

STOP_SECONDS = 40.0


@dataclass
class Fleet:
    """Agents of one client, each in a thread of its own while `running`."""

    base_url: str
    token: str
    timing: Timing
    cloud: Cloud = field(default_factory=Cloud)
    agents: list[Agent] = field(default_factory=list)

    def add(self, count: int) -> None:
        for number in range(len(self.agents), len(self.agents) + count):
            session = Session(self.base_url, self.token)
            mode = "ondemand" if number % 5 == 0 else "spot"
            machine = self.cloud.launch(mode)
            self.agents.append(Agent(session, self.cloud, self.token, f"fleet-{number}", machine, self.timing))

    @contextmanager
    def running(self) -> Iterator[None]:
        """All agents live until the block ends; then they have said goodbye."""
        stopped = threading.Event()
        threads = [threading.Thread(target=agent.live, args=(stopped,), daemon=True) for agent in self.agents]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            stopped.set()
            for thread in threads:
                thread.join(STOP_SECONDS)
        assert not [thread for thread in threads if thread.is_alive()], "an agent hangs"

    @property
    def calls(self) -> list[Call]:
        return [call for agent in self.agents for call in agent.session.calls]

    @property
    def failures(self) -> list[Call]:
        return [call for call in self.calls if call.failed or call.error]
