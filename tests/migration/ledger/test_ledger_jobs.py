"""Owners of jobs: in the ledger, on the command line, and as both sides ask for them."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner, Result

from migration.cli import main
from migration.ledger import DeclaredJob, Ledger, LedgerConflictError, LedgerError, State
from migration.ledger.job_rollout import promote_jobs, roll_back_jobs
from migration.ledger.ownership import JobOwnership
from tests.support.waiting import eventually

HEALTH = DeclaredJob("agent-health", ("check_agent_health",))
CLEANUP = DeclaredJob("data-cleanup", ("cleanup", "evt_cleanup"), ("the database's event evt_cleanup",))
PRICES = DeclaredJob("prices")

Run = Callable[..., Result]


@pytest.fixture
def jobs(ledger_url: str) -> Ledger:
    """A ledger with three jobs, one of which the old side does not stop by itself."""
    ledger = Ledger(ledger_url)
    ledger.declare_jobs("spot", [HEALTH, CLEANUP, PRICES])
    return ledger


@pytest.fixture
def run(ledger_url: str) -> Run:
    def invoke(*arguments: str) -> Result:
        return CliRunner().invoke(main, ["jobs", *arguments, "--ledger", ledger_url])

    return invoke


def states(ledger: Ledger) -> dict[str, State]:
    return {job.name: job.state for job in ledger.jobs("spot")}


def hand_over(ledger: Ledger, *names: str, legacy_stopped: bool = False) -> None:
    promote_jobs(ledger, "spot", names, who="ada", why="same rows", legacy_stopped=legacy_stopped)


class TestDeclaring:
    def test_new_jobs_belong_to_legacy(self, jobs: Ledger) -> None:
        assert states(jobs) == dict.fromkeys(("agent-health", "data-cleanup", "prices"), State.LEGACY)
        cleanup = jobs.jobs("spot")[1]
        assert (cleanup.replaces, cleanup.by_hand, cleanup.native_available) == (
            CLEANUP.replaces,
            CLEANUP.by_hand,
            True,
        )

    def test_declaring_again_keeps_owners_and_takes_what_is_new(self, jobs: Ledger) -> None:
        hand_over(jobs, "agent-health")
        jobs.declare_jobs("spot", [DeclaredJob("agent-health", ("check",), ("the monolith's check",)), PRICES])
        health, cleanup, _ = jobs.jobs("spot")
        assert (health.state, health.by_hand) == (State.NATIVE, ("the monolith's check",))
        assert not cleanup.native_available
        with pytest.raises(LedgerError, match="data-cleanup is not implemented by the native side"):
            hand_over(jobs, "data-cleanup", legacy_stopped=True)

    def test_domains_are_apart(self, jobs: Ledger) -> None:
        jobs.declare_jobs("voice", [HEALTH])
        hand_over(jobs, "agent-health")
        assert [job.state for job in jobs.jobs("voice")] == [State.LEGACY]


class TestHandingOver:
    def test_there_and_back_is_in_the_history(self, jobs: Ledger) -> None:
        hand_over(jobs, "agent-health")
        roll_back_jobs(jobs, "spot", ["agent-health"], who="bob", why="wrong numbers")
        assert [(c.name, c.before, c.after, c.who, c.why) for c in jobs.history("spot")] == [
            ("JOB agent-health", State.NATIVE, State.LEGACY, "bob", "wrong numbers"),
            ("JOB agent-health", State.LEGACY, State.NATIVE, "ada", "same rows"),
        ]

    def test_what_does_not_follow_the_ledger_has_to_be_stopped_first(self, jobs: Ledger) -> None:
        with pytest.raises(LedgerError, match=r"First switch off: the database's event evt_cleanup .*--legacy-stopped"):
            hand_over(jobs, "*")
        assert set(states(jobs).values()) == {State.LEGACY}
        hand_over(jobs, "*", legacy_stopped=True)
        assert set(states(jobs).values()) == {State.NATIVE}
        hand_over(jobs, "*")

    def test_two_operators_at_once(self, jobs: Ledger) -> None:
        seen = jobs.jobs("spot")[0]
        hand_over(jobs, "agent-health")
        with pytest.raises(LedgerConflictError, match=r"agent-health was changed by somebody else .* `cutover jobs`"):
            jobs.move([(seen, State.NATIVE)], who="eve", why="")

    def test_unknown_names_are_refused_with_the_nearest(self, jobs: Ledger) -> None:
        with pytest.raises(LedgerError, match=r"No job is called 'data-clean'\. Did you mean 'data-cleanup'\?"):
            hand_over(jobs, "agent-health", "data-clean")
        assert states(jobs)["agent-health"] is State.LEGACY


class TestAsking:
    def test_a_running_process_follows_within_a_second(self, jobs: Ledger) -> None:
        reader = jobs.reader("spot")
        ownership = JobOwnership(reader.jobs)
        try:
            assert ownership.native_since("agent-health") is None
            assert ownership.legacy_may_run("check_agent_health")
            hand_over(jobs, "agent-health")
            since = eventually(lambda: ownership.native_since("agent-health"), 1.0)
            assert since is not None
            assert datetime.now(UTC).replace(tzinfo=None) - since < timedelta(seconds=60)
            assert not ownership.legacy_may_run("check_agent_health")
            assert ownership.legacy_may_run("cleanup")
        finally:
            reader.close()

    def test_what_the_ledger_does_not_know_is_legacys(self, jobs: Ledger) -> None:
        ownership = JobOwnership(lambda: {job.name: job for job in jobs.jobs("spot")})
        assert ownership.native_since("unheard-of") is None
        assert ownership.legacy_may_run("unheard_of")


class TestCommands:
    def test_show_promote_and_roll_back(self, run: Run, jobs: Ledger) -> None:
        shown = run()
        assert shown.exit_code == 0, shown.output
        assert "3 jobs: 3 legacy, 0 native." in shown.output
        promoted = run("promote", "agent-health", "prices", "--why", "same rows", "--who", "ada")
        assert promoted.exit_code == 0, promoted.output
        assert "agent-health: legacy -> native" in promoted.output
        assert "2 jobs were handed over. Running servers follow within a second." in promoted.output
        again = run("promote", "prices")
        assert "Nothing was changed.\nRun by native already:\n  prices" in again.output
        listing = json.loads(run("--json").output)["jobs"]
        assert [(job["name"], job["owner"], job["who"]) for job in listing] == [
            *(("agent-health", "native", "ada"), ("data-cleanup", "legacy", ""), ("prices", "native", "ada")),
        ]
        assert "agent-health: native -> legacy" in run("rollback", "agent-health").output

    def test_an_unstoppable_old_side_needs_the_operators_word(self, run: Run, jobs: Ledger) -> None:
        refused = run("promote", "data-cleanup")
        assert (refused.exit_code, len(refused.output.splitlines())) == (2, 1)
        assert "First switch off: the database's event evt_cleanup (for data-cleanup)." in refused.output
        assert run("promote", "data-cleanup", "--legacy-stopped").exit_code == 0
        back = run("rollback", "data-cleanup")
        assert "Switch on again on the old side:\n  the database's event evt_cleanup" in back.output

    def test_an_empty_ledger_says_how_to_fill_it(self, run: Run) -> None:
        for arguments in ((), ("promote", "x"), ("rollback", "x")):
            assert "Start the server once" in run(*arguments).output

    @pytest.mark.parametrize("arguments", [(), ("promote",), ("rollback",)])
    def test_help_shows_an_example(self, arguments: tuple[str, ...]) -> None:
        assert "cutover jobs " in CliRunner().invoke(main, ["jobs", *arguments, "--help"]).output
