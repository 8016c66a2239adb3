"""Events folded into a report: counts, causes, rules, noise, and what is kept of long runs."""

from __future__ import annotations

import json

import pytest

from migration.compare.verdict import Accepted, Difference, Kind, NoisePlace
from migration.report.formats import exit_status
from migration.report.latency import percentile
from migration.report.limits import Limits
from migration.report.model import Latency, RuleState
from migration.report.summary import ReportBuilder
from tests.migration.report.replayed import (
    CONFIG,
    EXPIRED_RULE,
    EXPIRING_RULE,
    HEARTBEAT,
    RULE,
    STARTED,
    different,
    report_of,
    request,
    response,
    run,
    typical_run,
    verdict,
)


def test_counts_exchanges_by_outcome_in_all_and_by_route():
    report = report_of(typical_run())
    counts = report.summary
    assert (counts.exchanges, counts.equal, counts.accepted, counts.noise) == (66, 40, 3, 6)
    assert (counts.different, counts.errors, report.differences) == (16, 1, 23)
    by_route = {row.route: row.counts for row in report.routes}
    assert by_route[CONFIG].different == 12
    assert by_route["POST /api/agents/register"].errors == 1
    assert sum(row.exchanges for row in by_route.values()) == 66


def test_knows_facts_of_the_run():
    facts = report_of(typical_run()).run
    assert (facts.control, facts.candidate) == ("http://127.0.0.1:5000", "http://127.0.0.1:5001")
    assert facts.started == STARTED
    assert (facts.elapsed_seconds, facts.workers, facts.noise_runs) == (12.5, 2, 2)
    assert not facts.control_recorded


def test_marks_latencies_of_control_as_recorded_where_control_is_the_recording():
    answers = [verdict(index) for index in range(3)]
    recorded = [
        verdict(index, sent=one.exchange.request, control=one.exchange.response) for index, one in enumerate(answers)
    ]
    report = report_of(run(recorded))
    assert report.run.control_recorded
    assert report.routes[0].control == Latency(99.0, 99.0)


def test_has_no_report_before_the_run_started():
    with pytest.raises(ValueError, match="not started"):
        ReportBuilder().report  # noqa: B018


@pytest.mark.parametrize(("percent", "expected"), [(50, 3.0), (95, 5.0), (20, 1.0), (21, 2.0), (100, 5.0), (0, 1.0)])
def test_percentiles_are_values_that_were_measured(percent, expected):
    assert percentile([1.0, 2.0, 3.0, 4.0, 5.0], percent) == expected


def test_latencies_and_ratio_of_a_route():
    times = [
        verdict(index, control=response(1, elapsed_ms=index + 1), candidate=response(1, elapsed_ms=2 * (index + 1)))
        for index in range(20)
    ]
    (row,) = report_of(run(times)).routes
    assert row.control == Latency(10.0, 19.0)
    assert row.candidate == Latency(20.0, 38.0)
    assert row.ratio == 2.0


def test_a_route_without_answers_has_no_latency():
    (row,) = report_of(run([verdict(error="refused")])).routes
    assert (row.control, row.candidate, row.ratio) == (None, None, None)


class TestCauses:
    def test_joins_differences_of_one_place_in_several_records(self):
        report = report_of(run([different(0, "body.rows[3].id", 1, 2), different(1, "body.rows[17].id", 5, 6)]))
        (cause,) = report.causes
        assert (cause.location, cause.count, cause.example.location) == ("body.rows[].id", 2, "body.rows[3].id")
        assert [exchange.index for exchange in cause.exchanges] == [0, 1]

    def test_joins_texts_that_differ_in_ids_times_and_numbers_only(self):
        texts = [
            "Agent 7ae84e88-c919-4b18-94f3-6ab26f7d13f4 seen 3 times",
            "Agent 57c52b35-b975-43c4-97fa-fd24e36ced56 seen 12 times",
        ]
        report = report_of(run(different(index, "body.error", text, "gone") for index, text in enumerate(texts)))
        assert [cause.count for cause in report.causes] == [2]

    @pytest.mark.parametrize(
        "other",
        [
            different(1, "body.state", "on", "away"),
            different(1, "body.other"),
            different(1, kind=Kind.TIME),
            different(1, route=HEARTBEAT),
            different(1, now=None),
        ],
    )
    def test_keeps_apart_what_differs_otherwise(self, other):
        assert len(report_of(run([different(0), other])).causes) == 2

    def test_keeps_statuses_apart(self):
        statuses = [
            different(0, "status", 200, 404, kind=Kind.STATUS),
            different(1, "status", 200, 500, kind=Kind.STATUS),
        ]
        assert len(report_of(run(statuses)).causes) == 2

    def test_puts_the_most_frequent_first(self):
        report = report_of(run([different(0, "body.a"), different(1, "body.b"), different(2, "body.b")]))
        assert [(cause.location, cause.count) for cause in report.causes] == [("body.b", 2), ("body.a", 1)]


def test_groups_accepted_differences_by_rule():
    difference = Difference("status", Kind.STATUS, 500, 201)
    verdicts = [
        verdict(index, route, accepted=(Accepted(difference, RULE),))
        for index, route in enumerate((CONFIG, HEARTBEAT, CONFIG))
    ]
    (row,) = report_of(run(verdicts, rules=[RULE])).accepted
    assert (row.rule, row.count, row.routes) == (RULE, 3, (CONFIG, HEARTBEAT))
    assert (row.example.control, row.example.candidate) == (500, 201)


def test_names_rules_that_are_unused_expiring_or_expired():
    difference = Difference("status", Kind.STATUS, 500, 201)
    events = run([verdict(accepted=(Accepted(difference, RULE),))], rules=[RULE, EXPIRING_RULE, EXPIRED_RULE])
    rules = {row.rule: row for row in report_of(events).rules}
    assert [rules[rule].state for rule in rules] == [RuleState.ACTIVE, RuleState.EXPIRING, RuleState.EXPIRED]
    assert [rules[rule].wants_attention for rule in rules] == [False, True, True]
    assert rules[RULE].used == 1


def test_noise_has_a_rate_and_what_was_set_aside_for_it():
    noisy = verdict(route=HEARTBEAT, noise=(Difference("body.rows[4].price", Kind.VALUE, 1, 2),))
    places = [NoisePlace(HEARTBEAT, "body.rows[2].price", 30, 3, (0.1, 0.2))]
    (row,) = report_of(run([noisy, noisy], places)).noise
    assert (row.location, row.rate, row.set_aside, row.example) == ("body.rows[].price", 0.1, 2, (0.1, 0.2))


class TestVerdict:
    def test_parity(self):
        report = report_of(run([verdict(0), verdict(1)]))
        assert report.sentence == "Parity: 2 exchanges over 1 route, no unexplained difference."
        assert exit_status(report) == 0

    def test_differences(self):
        report = report_of(run([different(0), different(1, route=HEARTBEAT), verdict(2)]))
        assert report.sentence == "2 differences in 2 routes."
        assert exit_status(report) == 1

    def test_an_error_is_no_parity(self):
        report = report_of(run([verdict(0), verdict(1, error="candidate: connection refused")]))
        assert report.sentence == "1 exchange could not be compared."
        assert exit_status(report) == 1

    def test_nothing_compared(self):
        report = report_of(run([verdict(0, error="candidate: connection refused")]))
        assert report.sentence == "Could not run: candidate: connection refused."
        assert exit_status(report) == 2

    def test_no_exchanges_at_all(self):
        report = report_of(run([]))
        assert report.sentence == "Could not run: no exchange was compared."
        assert exit_status(report) == 2

    @pytest.mark.parametrize("events", [run([verdict(0)], exchanges=5), run([verdict(0)], finished=False)])
    def test_a_run_that_stopped_early_is_no_parity(self, events):
        report = report_of(events)
        assert "stopped after 1 of" in report.sentence
        assert exit_status(report) == 1


class TestLongRuns:
    def test_keeps_no_bodies_of_equal_exchanges(self):
        builder = ReportBuilder()
        for event in run(
            verdict(index, control=response(b"x" * 10_000), candidate=response(b"x" * 10_000)) for index in range(2_000)
        ):
            builder.handle(event)
        report = builder.report
        assert report.summary.equal == 2_000
        assert not report.details
        assert len(repr(report)) < 2_000 * 300

    def test_counts_beyond_every_limit(self):
        limits = Limits(
            details=3, details_per_cause=2, findings=5, causes=2, exchanges_per_cause=2, cases=6, problems=1
        )
        verdicts = [different(index, f"body.{'abc'[index % 3]}") for index in range(12)]
        report = report_of(run(verdicts), limits)
        assert (report.summary.different, report.differences) == (12, 12)
        assert (len(report.findings), len(report.details), len(report.causes)) == (5, 3, 2)
        assert [cause.count for cause in report.causes] == [4, 4]
        assert report.causes_omitted == 4
        assert [len(cause.exchanges) for cause in report.causes] == [2, 2]
        cases = report.cases[CONFIG]
        assert [case.problem for case in cases[:2]] == ['body.a (value): "on" → "off"', "body.b"]
        assert len(cases) == 6

    def test_a_frequent_cause_leaves_room_for_a_rare_one(self):
        verdicts = [different(index) for index in range(50)] + [different(50, "body.rare")]
        report = report_of(run(verdicts), Limits(details=12, details_per_cause=10))
        assert [detail.exchange.index for detail in report.details] == [*range(10), 50]

    def test_cuts_huge_values_and_bodies_and_says_how_big_they_were(self):
        huge = {"text": "y" * 100_000}
        sent = different(0, "body", huge, "n", control=response(huge), candidate=response("n"))
        report = report_of(run([sent]))
        assert report.findings[0].control.endswith("(100,012 characters)")
        body = report.details[0].control.body
        assert body.cut and len(body.text) == 32_000 and body.size == len(json.dumps(huge))

    def test_survives_nesting_without_end(self):
        deep = json.loads("[" * 400 + "]" * 400)
        report = report_of(run([different(0, "body", deep, [], control=response(deep), candidate=response([]))]))
        assert "nested too deeply" in report.details[0].control.body.text

    def test_binary_bodies_are_a_size_and_a_hash(self):
        body = report_of(run([different(0, control=response(b"\xff\x00\xfe"))])).details[0].control.body
        assert (body.form, body.size, body.text) == ("binary", 3, "")
        assert len(body.digest) == 64


def test_shows_both_requests_where_they_were_rewritten_differently():
    ours, theirs = request(target="/api/agents/new"), request(target="/api/agents/old")
    (detail,) = report_of(run([different(0, sent=ours, control_request=theirs)])).details
    assert (detail.request.target, detail.control_request.target) == ("/api/agents/new", "/api/agents/old")
