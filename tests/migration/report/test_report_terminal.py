"""What a reader sees on a terminal, and in a log file."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest
from rich.console import Console

from migration.report.progress import TerminalProgress
from migration.report.terminal import print_report
from tests.migration.report.replayed import different, report_of, run, typical_run, verdict

CONTROL_CHARACTER = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]")


def printed(events, width: int = 140, paths=(), **options) -> str:
    stream = io.StringIO()
    print_report(Console(file=stream, width=width, **options), report_of(events), paths)
    return stream.getvalue()


class TestReport:
    def test_shows_routes_with_counts_and_latencies_and_a_total(self):
        output = printed(typical_run())
        health = next(line for line in output.splitlines() if line.startswith("GET /health"))
        assert health.split() == ["GET", "/health", "6", "0", "0", "6", "0", "0", "2.2/2.2", "1.1/1.1", "0.50x"]
        total = next(line for line in output.splitlines() if line.startswith("6 routes"))
        assert total.split() == ["6", "routes", "66", "40", "3", "6", "16", "1"]

    def test_shows_a_difference_with_both_values_its_exchange_and_a_curl_line(self):
        output = printed([*run([different(17, "body.rows[3].id", "one", "two", label="poll")])])
        lines = [line.strip() for line in output.splitlines()]
        assert "1x body.rows[].id (value) GET /api/agents/<agent_id>/config" in lines
        assert 'control    "one"' in lines and 'candidate  "two"' in lines
        assert "agent-real #17 poll at body.rows[3].id" in lines
        assert any(line.startswith("curl ") and line.endswith("'Content-Type: application/json'") for line in lines)

    def test_shows_at_most_twenty_causes_and_where_the_others_are(self):
        events = run(different(index, f"body.f{chr(97 + index)}") for index in range(25))
        output = printed(events, paths=[Path("out/report.html")])
        assert output.count("curl ") == 20
        assert "and 5 more causes, in out/report.html" in output

    def test_ends_with_one_sentence_and_the_files(self):
        lines = printed(run([verdict(0)]), paths=[Path("out/report.html"), Path("out/junit.xml")]).splitlines()
        assert lines[-3:] == [
            "Parity: 1 exchange over 1 route, no unexplained difference.",
            "  out/report.html",
            "  out/junit.xml",
        ]

    def test_writes_no_control_characters_without_a_terminal(self):
        hostile = "\x1b[2J\x07\x9b31m\r\u202e"
        events = run([different(0, hostile, hostile, "x", detail=hostile, label=hostile), verdict(1, error=hostile)])
        output = printed(events)
        assert not CONTROL_CHARACTER.search(output)
        assert "\\x1b[2J" in output

    def test_honours_no_color_and_uses_colour_otherwise(self, monkeypatch):
        monkeypatch.delenv("NO_COLOR", raising=False)
        monkeypatch.setenv("TERM", "xterm")
        assert "\x1b[1;31m" in printed(typical_run(), force_terminal=True)
        monkeypatch.setenv("NO_COLOR", "1")
        assert not re.search(r"\x1b\[[\d;]*3[0-7]m", printed(typical_run(), force_terminal=True))

    def test_fits_a_narrow_terminal(self):
        output = printed(typical_run(), width=60)
        table = output.partition("Differences by cause")[0]
        assert max(map(len, table.splitlines())) <= 60
        assert "heartbeat" in table and "1.47x" in table

    def test_markup_in_values_is_text(self):
        assert "[bold]x[/bold]" in printed(run([different(0, "body.x", "[bold]x[/bold]", "[/]")]))

    def test_names_expired_rules(self):
        assert "header.x-old: expired, expires 2026-01-01, owner nobody" in printed(typical_run())


class _Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 1.0
        return self.now


class TestProgress:
    def test_prints_a_plain_line_now_and_then_without_a_terminal(self):
        stream = io.StringIO()
        events = run([*(verdict(index) for index in range(50)), different(50)])
        with TerminalProgress(Console(file=stream), seconds_between_lines=20, clock=_Clock()) as progress:
            for event in events:
                progress.handle(event)
        lines = stream.getvalue().splitlines()
        assert 2 <= len(lines) <= 6
        assert re.fullmatch(r"Comparing: \d+ of 51 exchanges \(\d+ equal\), about \d+ s left", lines[1])
        assert lines[-1] == "Compared: 51 of 51 exchanges (50 equal, 1 different)"
        assert not CONTROL_CHARACTER.search(stream.getvalue())

    def test_draws_a_bar_on_a_terminal(self):
        stream = io.StringIO()
        console = Console(file=stream, force_terminal=True, width=120)
        with TerminalProgress(console) as progress:
            for event in run([verdict(0), different(1)]):
                progress.handle(event)
        assert "Learning noise" in stream.getvalue()
        assert "2/2" in stream.getvalue() and "1 different" in stream.getvalue()

    def test_leaves_the_terminal_in_order_when_the_run_breaks(self):
        stream = io.StringIO()
        console = Console(file=stream, force_terminal=True, width=120)
        with pytest.raises(ZeroDivisionError), TerminalProgress(console) as progress:
            progress.handle(run([verdict(0)])[0])
            1 / 0  # noqa: B018
        hidden, shown = (stream.getvalue().rfind(f"\x1b[?25{mode}") for mode in "lh")
        assert 0 <= hidden < shown  # the cursor is back
