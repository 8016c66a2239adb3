"""The HTML report in a real browser: reading, filtering, sorting, themes, hostile content, no network."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select, WebDriverWait

from migration.compare.verdict import Difference, Kind
from migration.recording.exchange import Request
from migration.report.formats import write_report
from tests.migration.report.replayed import (
    CONFIG,
    HEARTBEAT,
    different,
    report_of,
    request,
    response,
    run,
    typical_run,
    verdict,
)

HOSTILE = (
    "</script><script>window.hacked=1</script><img src=x onerror=window.hacked=1>\"'><b>&amp;{{7*7}}\x00\x1b[2J\u202e"
)


def write(events, directory: Path) -> Path:
    (path,) = write_report(report_of(events), directory, ["html"])
    return path


@pytest.fixture
def report(page, tmp_path):
    page.get(write(typical_run(), tmp_path).as_uri())
    return page


def shown(page, selector: str) -> list:
    return page.execute_script(
        "return [...document.querySelectorAll(arguments[0])].filter((e) => e.checkVisibility())", selector
    )


def texts(page, selector: str) -> list[str]:
    return [element.text for element in shown(page, selector)]


def causes(page) -> list[str]:
    return [f"{one.find_element(By.CSS_SELECTOR, '.location').text}" for one in shown(page, "details.cause")]


def background(page) -> str:
    return page.execute_script("return getComputedStyle(document.body).backgroundColor")


def brightness(page) -> float:
    numbers = background(page).partition("(")[2].rstrip(")").split(",")[:3]
    return sum(map(float, numbers)) / 3


class TestReading:
    def test_says_the_verdict_and_the_numbers_first(self, report):
        assert (
            report.find_element(By.TAG_NAME, "h1").text
            == "23 differences in 3 routes; 1 exchange could not be compared."
        )
        tiles = [" ".join(text.split()) for text in texts(report, ".tiles li")]
        assert tiles == ["66 exchanges", "40 equal", "3 accepted", "6 noise", "16 different", "1 errors"]
        assert "Cutover" in report.title

    def test_shows_causes_most_frequent_first(self, report):
        assert texts(report, "details.cause .times") == [
            "12\N{MULTIPLICATION SIGN}",
            "3\N{MULTIPLICATION SIGN}",
            "3\N{MULTIPLICATION SIGN}",
            "3\N{MULTIPLICATION SIGN}",
            "1\N{MULTIPLICATION SIGN}",
            "1\N{MULTIPLICATION SIGN}",
        ]
        assert causes(report)[0] == "body.risk_threshold"

    def test_shows_both_answers_beside_each_other_with_the_difference_marked(self, report):
        row = shown(report, "details.cause[open] tr.different")[0]
        control, candidate = row.find_elements(By.TAG_NAME, "td")
        assert (control.text.strip(), candidate.text.strip()) == ('"risk_threshold": 0.3,', '"risk_threshold": "0.30",')
        assert [cell.find_element(By.TAG_NAME, "mark").text for cell in (control, candidate)] == ["0.3", '"0.30"']
        assert len(shown(report, "details.cause[open] tr.same")) == 5

    def test_folds_long_equal_stretches_and_unfolds_them(self, report):
        cause = report.find_elements(By.CSS_SELECTOR, "details.cause")[1]
        cause.find_element(By.TAG_NAME, "summary").click()
        before = len(shown(report, "tr.same"))
        fold = next(button for button in cause.find_elements(By.CSS_SELECTOR, ".fold button") if button.is_displayed())
        assert "lines without a difference" in fold.text
        fold.click()
        assert fold.get_attribute("aria-expanded") == "true"
        assert len(shown(report, "tr.same")) > before + 50

    def test_aligns_json_by_place_not_by_text(self, page, tmp_path):
        ours, theirs = {"a": 1, "gone": 2, "z": 3}, {"a": 1, "new": 2, "z": 4}
        places = (
            Difference("body.gone", Kind.MISSING, 2),
            Difference("body.new", Kind.ADDED, candidate=2),
            Difference("body.z", Kind.VALUE, 3, 4),
        )
        page.get(
            write(
                run([verdict(control=response(ours), candidate=response(theirs), differences=places)]), tmp_path
            ).as_uri()
        )
        rows = [
            [cell.text.strip() for cell in row.find_elements(By.TAG_NAME, "td")]
            for row in shown(page, "details.cause[open] tr.different")
        ]
        assert sorted(rows) == sorted([['"gone": 2,', ""], ["", '"new": 2,'], ['"z": 3', '"z": 4']])

    def test_tells_noise_and_explained_places_from_differences(self, page, tmp_path):
        ours, theirs = {"n": 1, "id": "x", "v": 1}, {"n": 2, "id": "y", "v": 2}
        one = verdict(
            control=response(ours),
            candidate=response(theirs),
            differences=(Difference("body.v", Kind.VALUE, 1, 2),),
            noise=(Difference("body.n", Kind.VALUE, 1, 2),),
        )
        page.get(write(run([one]), tmp_path).as_uri())
        states = [
            row.get_attribute("class") for row in shown(page, "details.cause[open] .side-by-side:not(.named) tbody tr")
        ]
        assert states == ["same", "noise", "explained", "different", "same"]

    def test_shows_the_request_and_a_curl_line_to_copy(self, report):
        line = shown(report, ".curl pre")[0].text
        report.execute_cdp_cmd(
            "Browser.grantPermissions", {"permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"]}
        )
        button = shown(report, ".curl .copy")[0]
        button.click()
        WebDriverWait(report, 10).until(lambda _: button.text == "Copied")
        copied = report.execute_async_script(
            "navigator.clipboard.readText().then(arguments[0], String).then(arguments[0])"
        )
        assert copied == line
        assert line.startswith("curl -i -g --path-as-is -X GET http://127.0.0.1:5001/api/agents/")

    def test_links_open_what_they_lead_to(self, report):
        report.execute_script("document.querySelectorAll('details.cause').forEach(cause => cause.open = true)")
        link = report.find_element(By.CSS_SELECTOR, ".links a")
        target = link.get_attribute("href").partition("#")[2]
        report.execute_script("document.querySelectorAll('details').forEach(one => one.open = false)")
        report.execute_script("arguments[0].click()", link)
        WebDriverWait(report, 10).until(lambda _: report.find_element(By.ID, target).get_attribute("open"))
        assert report.find_element(By.ID, target).is_displayed()

    def test_shows_reason_owner_and_expiry_of_rules_and_rates_of_noise(self, report):
        (accepted,) = texts(report, "#accepted .card")
        assert "The old server always failed here" in accepted and "platform · until 2027-06-30" in accepted
        health, heartbeat = texts(report, "#noise tbody tr")
        assert "100%" in health and "6 of 6" in health
        assert HEARTBEAT in heartbeat and "10%" in heartbeat
        assert [("expiring" in row, "expired" in row) for row in texts(report, "#rules tbody tr")] == [
            (True, False),
            (False, True),
        ]

    def test_parity_needs_no_sections(self, page, tmp_path):
        page.get(write(run([verdict(0)]), tmp_path).as_uri())
        assert page.title.startswith("Parity")
        assert texts(page, "h2") == ["Routes"]


class TestFilter:
    def test_by_text_in_any_order_of_words(self, report):
        report.find_element(By.ID, "search").send_keys("1062 REGISTER body.error")
        assert causes(report) == ["status", "body.error"]  # the answer that holds both is shown under the first
        assert texts(report, "#differences .count") == ["2 of 6"]

    def test_by_text_that_only_a_body_holds(self, report):
        report.find_element(By.ID, "search").send_keys("min_savings_percent")
        assert causes(report) == ["body.risk_threshold"]

    def test_nothing_found_is_said(self, report):
        report.find_element(By.ID, "search").send_keys("no such thing")
        assert causes(report) == []
        assert texts(report, "#differences .none") == ["No difference fits the filter."]

    def test_by_route_from_the_list_and_from_the_table(self, report):
        Select(report.find_element(By.ID, "route")).select_by_visible_text(HEARTBEAT)
        assert len(causes(report)) == 3
        assert len(shown(report, "table.routes tbody tr")) == 1
        report.find_element(By.CSS_SELECTOR, "button[type=reset]").click()
        WebDriverWait(report, 10).until(lambda _: len(causes(report)) == 6)
        next(button for button in shown(report, "button.route") if button.text == CONFIG).click()
        assert causes(report) == ["body.risk_threshold"]

    def test_by_kind(self, report):
        Select(report.find_element(By.ID, "kind")).select_by_visible_text("status")
        assert causes(report) == ["status"]

    def test_by_outcome(self, report):
        report.find_element(By.CSS_SELECTOR, "input[value=different]").click()
        assert causes(report) == []
        assert [section.get_attribute("id") for section in shown(report, "section")] == [
            "routes",
            "errors",
            "accepted",
            "noise",
            "rules",
        ]
        assert CONFIG not in texts(report, "button.route")
        assert "GET /health" in texts(report, "button.route")

    def test_from_the_keyboard(self, report):
        report.find_element(By.TAG_NAME, "body").send_keys("/")
        search = report.switch_to.active_element
        assert search.get_attribute("id") == "search"
        search.send_keys("risk")
        assert len(causes(report)) == 1
        search.send_keys(Keys.ESCAPE)
        WebDriverWait(report, 10).until(lambda _: len(causes(report)) == 6)


def test_sorts_routes_by_any_column_both_ways(report):
    def column() -> list[int]:
        return [int(row.find_elements(By.TAG_NAME, "td")[1].text) for row in shown(report, "table.routes tbody tr")]

    header = report.find_elements(By.CSS_SELECTOR, "table.routes th button")[2]
    header.send_keys(Keys.ENTER)
    assert column() == [40, 12, 6, 3, 3, 2]
    header.send_keys(Keys.ENTER)
    assert column() == [2, 3, 3, 6, 12, 40]
    assert report.find_element(By.CSS_SELECTOR, "th[aria-sort]").get_attribute("aria-sort") == "ascending"


class TestThemes:
    @pytest.mark.parametrize("scheme", ["light", "dark"])
    def test_follows_the_system_until_the_reader_chooses(self, report, scheme):
        report.execute_cdp_cmd(
            "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
        )
        assert (brightness(report) > 128) == (scheme == "light")
        report.find_element(By.ID, "theme").click()
        assert (brightness(report) > 128) == (scheme == "dark")
        report.execute_script("localStorage.clear()")

    @pytest.mark.parametrize("scheme", ["light", "dark"])
    def test_text_stands_out_from_its_background(self, report, scheme):
        report.execute_cdp_cmd(
            "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
        )
        contrasts = report.execute_script(
            """
            const light = (color) => { const [r, g, b] = color.match(/[\\d.]+/g).map(Number)
                .map((c) => c / 255).map((c) => c <= .03928 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4);
                return .2126 * r + .7152 * g + .0722 * b; };
            const paper = light(getComputedStyle(document.body).backgroundColor);
            return [".facts.dim", "h1", ".note", "td.different:not(.zero)", ".error-text"].map((selector) => {
                const ink = light(getComputedStyle(document.querySelector(selector)).color);
                return (Math.max(ink, paper) + .05) / (Math.min(ink, paper) + .05); });
            """
        )
        assert min(contrasts) >= 3.5, contrasts

    def test_a_phone_needs_no_sideways_scrolling(self, report):
        report.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride", {"width": 380, "height": 800, "deviceScaleFactor": 2, "mobile": True}
        )
        report.execute_script("document.querySelectorAll('details').forEach(one => one.open = true)")
        wide = report.execute_script("return document.documentElement.scrollWidth")
        assert wide <= 380


class TestSafety:
    def hostile_run(self):
        sent = Request("POST", f"/x?q={HOSTILE}", (("X-Evil", HOSTILE),), HOSTILE.encode())
        body = {"evil": HOSTILE, HOSTILE: 1}
        return run(
            [
                verdict(
                    0,
                    f"GET /{HOSTILE}",
                    sent,
                    response(body, headers=[("X-Evil", HOSTILE)]),
                    response(HOSTILE.encode(), headers=[("X-Evil", "no")]),
                    label=HOSTILE,
                    session=HOSTILE,
                    differences=(
                        Difference(f"body.{HOSTILE}", Kind.VALUE, HOSTILE, {"a": HOSTILE}, HOSTILE),
                        Difference("body", Kind.BODY, body, HOSTILE),
                    ),
                    noise=(Difference("header.x-evil", Kind.HEADER, HOSTILE, "no"),),
                ),
                verdict(1, error=HOSTILE),
            ]
        )

    def test_hostile_content_is_shown_and_not_run(self, page, tmp_path):
        page.get(write(self.hostile_run(), tmp_path).as_uri())
        page.execute_script("document.querySelectorAll('details').forEach(one => one.open = true)")
        assert page.execute_script("return window.hacked") is None
        assert page.find_elements(By.CSS_SELECTOR, "img, iframe, main b:not([class]) script") == []
        assert len(page.find_elements(By.TAG_NAME, "script")) == 1
        assert "<script>window.hacked=1</script>" in page.find_element(By.TAG_NAME, "body").text
        assert "{{7*7}}" in page.page_source
        assert "\\x1b[2J\\u202e" in page.find_element(By.TAG_NAME, "body").text
        page.find_element(By.ID, "search").send_keys("evil")
        assert len(causes(page)) == 2

    def test_scripts_that_are_not_the_page_s_own_are_refused(self, report):
        report.execute_script(
            "const s = document.createElement('script'); s.textContent = 'window.hacked = 1'; document.body.append(s)"
        )
        assert report.execute_script("return window.hacked") is None

    def test_asks_nobody_for_anything(self, page, tmp_path):
        path = write([*typical_run()], tmp_path)
        page.get(path.as_uri())
        page.find_element(By.ID, "theme").click()
        messages = [json.loads(entry["message"])["message"] for entry in page.get_log("performance")]
        asked = [
            message["params"]["request"]["url"]
            for message in messages
            if message["method"] == "Network.requestWillBeSent"
        ]
        assert path.as_uri() in asked
        assert [url for url in asked if not url.startswith(("file:", "data:", "about:"))] == []
        assert [entry["message"] for entry in page.get_log("browser")] == []
        page.execute_script("localStorage.clear()")

    def test_huge_bodies_are_cut_with_a_note_of_the_real_size(self, page, tmp_path):
        huge = response({"rows": ["y" * 100] * 5_000})
        path = write(
            run(different(index, f"body.f{index}", control=huge, candidate=huge) for index in range(40)), tmp_path
        )
        assert path.stat().st_size < 12_000_000
        page.get(path.as_uri())
        assert "is cut here; its real size is 520 kB" in page.find_element(By.CSS_SELECTOR, "details.cause[open]").text

    def test_binary_bodies_are_a_note(self, page, tmp_path):
        page.get(
            write(
                run([different(0, control=response(b"\xff\x00"), candidate=response(b"\xfe\x00"))]), tmp_path
            ).as_uri()
        )
        assert (
            "Control's body: binary, 2 bytes, SHA-256" in page.find_element(By.CSS_SELECTOR, "details.cause[open]").text
        )

    def test_nothing_but_the_file_is_needed(self, tmp_path):
        attributes: list[tuple[str, str, str | None]] = []

        class Parser(HTMLParser):
            def handle_starttag(self, tag, attrs):
                attributes.extend(
                    (tag, name, value) for name, value in attrs if name in ("src", "href", "srcset", "action")
                )

        Parser().feed(write(typical_run(), tmp_path).read_text())
        assert {value[:1] for _, _, value in attributes} == {"#", "d"}
        assert [value for tag, _, value in attributes if tag == "link"] == ["data:,"]


def test_shows_what_control_was_asked_where_that_was_something_else(page, tmp_path):
    one = different(0, sent=request(target="/api/new"), control_request=request(target="/api/old"))
    page.get(write(run([one]), tmp_path).as_uri())
    assert "Request to control GET /api/old" in texts(page, "details.part > summary")
