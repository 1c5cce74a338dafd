"""Lab results: show them, how they changed, what a test measures. What is read and decided stands in `lab_*.py`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rasa_sdk.events import EventType, FollowupAction, SlotSet

from actions.lab_chart import LabChart, LabShelf
from actions.lab_names import catalogue
from actions.lab_query import LabQuery, read_query
from actions.lab_results import LabReport
from actions.lab_rows import (
    ROWS_PER_PAGE,
    corrections,
    critical_notices,
    dated_line,
    is_private,
    latest_of_each,
    pages,
    pages_by_day,
    report_block,
)
from actions.lab_series import LabSeries, main_series
from actions.periods import Period
from actions.portal_action import PortalAction, Turn
from actions.sensitivity import sensitivity

MORE = "action_show_labs"
MAX_NAMES = 12  # tests listed when the one asked for is not there
MAX_EXPLAINED = 3
HISTORY = 150  # results looked at for a named test


class ActionShowLabs(PortalAction):
    """The latest results, those of a test or panel, or of a period; page by page."""

    def name(self) -> str:
        return "action_show_labs"

    async def perform(self, turn: Turn) -> list[EventType]:
        """Show the page asked for. "More" goes on where the last page ended.

        A bare name right after "Which test should I explain?" answers that question.
        """
        if asked := _open_question(turn):
            return [SlotSet("labs_question", None), FollowupAction(asked)]
        left_off = turn.slot("labs_page") if turn.intent == "show_more" else None
        query = _resumed(turn, left_off) if left_off else _query(turn)
        number = left_off["page"] if left_off else 0
        chart = await _shelf(turn).find(query, _limit(query, number))
        return await _show(turn, query, chart, number)


class ActionLabTrend(PortalAction):
    """Values of one test over time, as text and as a picture; of a panel, each test's last values."""

    def name(self) -> str:
        return "action_lab_trend"

    async def perform(self, turn: Turn) -> list[EventType]:
        """Only results of equal code and unit are put in one row."""
        query = _query(turn)
        if not query.said:
            return await _ask_which(turn, "utter_lab_trend_which")
        chart = await _shelf(turn).find(query, HISTORY)
        if not chart.reports:
            return await _none(turn, query)
        _warn_of_critical(turn, chart.reports)
        _say_not_found(turn, chart)
        keys = list(dict.fromkeys(result.key for result in chart.results))
        if len(keys) > 1:
            _say_trends(turn, [chart.of(key) for key in keys])
        else:  # one test, or a report that has no results yet
            _say_trend(turn, chart)
        return [*_page_slots(None), *_remember(chart, chart.asked)]


class ActionExplainLab(PortalAction):
    """What a test measures, from the catalogue, and the patient's own newest result of it. Never what it means."""

    def name(self) -> str:
        return "action_explain_lab"

    async def perform(self, turn: Turn) -> list[EventType]:
        """Explain up to three tests, then offer to write to the care team."""
        query = _query(turn)
        if not query.said:
            return await _ask_which(turn, "utter_lab_explain_which")
        chart = await _shelf(turn).find(query, HISTORY)
        explained = list(dict.fromkeys([*chart.asked, *_unasked(query, chart)]))[:MAX_EXPLAINED]
        if not explained:
            return await _none(turn, query)
        newest = latest_of_each(chart.reports)[0]
        _warn_of_critical(turn, newest)
        for key in explained:
            turn.say(f"utter_explain_{key}" if key in catalogue().entries else "utter_lab_explain_unknown")
        if newest:
            _say_reports(turn, pages(newest)[0], "utter_lab_explain_yours")
            if any(
                result.number is not None and result.range is None for report in newest for result in report.results
            ):
                turn.say("utter_lab_explain_no_range")
        else:
            turn.say("utter_lab_explain_none_on_file")
        turn.say("utter_lab_explain_offer")
        return _remember(chart, explained)


def _query(turn: Turn) -> LabQuery:
    last = turn.slot("last_lab_test")
    query = read_query(turn.text, turn.entities("lab_test"), turn.entities("period"), turn.now, catalogue(), last)
    _keep_private(turn, query)
    return query


def _resumed(turn: Turn, left_off: dict[str, Any]) -> LabQuery:
    query = LabQuery.from_slot(left_off["query"])
    _keep_private(turn, query)
    return query


def _keep_private(turn: Turn, query: LabQuery) -> None:
    """To whoever asks for a test of a sensitive kind, the answer reads the same whether there is a result or not."""
    entries = (catalogue().entries.get(key) for key in catalogue().expand(query.keys))
    asked = [(entry.codes, (entry.name, entry.title)) for entry in entries if entry]
    if any(sensitivity().of_test(*test) for test in asked) or sensitivity().of_test((), query.said):
        turn.keep_private()


def _shelf(turn: Turn) -> LabShelf:
    return LabShelf(turn.portal, turn.patient, turn.zone, catalogue())


def _limit(query: LabQuery, page: int) -> int:
    """How many results to fetch, so that the page and the start of the next are among them."""
    return HISTORY * (page + 1) if query.said or query.period else ROWS_PER_PAGE * (page + 2) + 36


async def _show(turn: Turn, query: LabQuery, chart: LabChart, number: int) -> list[EventType]:
    book = _book(query, chart.reports)
    if number >= len(book):
        return await _none(turn, query) if not book else [*_page_slots(None), *_say_end(turn)]
    _warn_of_critical(turn, book[number])
    _say_not_found(turn, chart)
    more = number + 1 < len(book)
    _say_reports(turn, book[number], _intro(query, number), more)
    following = {"query": query.as_slot(), "page": number + 1} if more else None
    return [*_page_slots(following), *_remember(chart, chart.asked or _only_test(book[number]))]


def _book(query: LabQuery, reports: Sequence[LabReport]) -> list[list[LabReport]]:
    if query.period or query.everything:
        return pages(reports)
    if query.said:
        newest, older = latest_of_each(reports)
        return pages(newest) + pages(older)
    return pages_by_day(reports)


def _intro(query: LabQuery, number: int) -> str:
    if number:
        return "utter_labs_continued"
    if query.unclear_period:
        return "utter_labs_intro_period_unclear"
    return "utter_labs_intro" if query.period or query.everything else "utter_labs_intro_latest"


def _say_reports(turn: Turn, reports: Sequence[LabReport], intro: str, more: bool = False) -> None:
    blocks = [report_block(report) for report in reports]
    turn.say("utter_labs_page_more" if more else "utter_labs_page", intro={"response": intro}, panels=blocks)


def _say_end(turn: Turn) -> list[EventType]:
    turn.say("utter_labs_end")
    return []


def _say_trend(turn: Turn, chart: LabChart) -> None:
    series = main_series(chart.results)
    if series is None:
        return _say_no_trend(turn, chart)
    shown = series.results[::-1][:ROWS_PER_PAGE]
    rows = [*corrections(shown), *map(dated_line, shown)]
    turn.say("utter_lab_trend", **_ends(series), rows=rows, chart=series.chart())
    if any(result.shown and result not in series.results for result in chart.results):
        turn.say("utter_lab_trend_left_out")
    return None


def _say_no_trend(turn: Turn, chart: LabChart) -> None:
    blocks = [report_block(report) for report in pages(chart.reports)[0]]
    turn.say("utter_lab_trend_none", panels=blocks)


def _say_trends(turn: Turn, charts: Sequence[LabChart]) -> None:
    """A panel: one line a test. Tests with a single result have no trend and are left out."""
    trends = [series for series in (main_series(chart.results) for chart in charts) if series]
    if not trends:
        return _say_no_trend(turn, charts[0])
    rows = [{"response": "utter_lab_trend_short", **_ends(series)} for series in trends[:ROWS_PER_PAGE]]
    turn.say("utter_lab_trend_panel", rows=rows)
    return None


def _ends(series: LabSeries) -> dict[str, Any]:
    first, last = series.first, series.last
    return {
        "sensitive": any(map(is_private, series.results)),
        "test": last.name,
        "first": first.value.written if first.value else "",
        "first_date": first.taken.written if first.taken else "",
        "last": last.value.written if last.value else "",
        "last_date": last.taken.written if last.taken else "",
        "count": str(len(series.results)),
    }


def _warn_of_critical(turn: Turn, shown: Sequence[LabReport]) -> None:
    """Before anything else: what cannot wait."""
    for notice in critical_notices(shown):
        turn.say(notice.pop("response"), **notice)


def _say_not_found(turn: Turn, chart: LabChart) -> None:
    if chart.not_found:
        turn.say("utter_labs_some_not_found", tests=", ".join(chart.not_found))


async def _none(turn: Turn, query: LabQuery) -> list[EventType]:
    """Nothing fits: say whether that is the test, the time, or everything, and what there is."""
    overview = await _shelf(turn).overview()
    there = _names_there(overview)
    newest = next((report.taken.written for report in overview.reports if report.taken), "")
    if not there:
        turn.say("utter_labs_empty")
    elif query.said and query.period not in (None, Period(None, None)):
        turn.say("utter_labs_none_of_test_in_period", tests=", ".join(query.said))
    elif query.said:
        turn.say("utter_labs_not_found", tests=", ".join(query.said), there=there)
    else:
        turn.say("utter_labs_none_in_period", newest=newest)
    named = [reading[0] for reading in query.readings if reading]
    return [*_page_slots(None), *_remember(overview, named)]


async def _ask_which(turn: Turn, question: str) -> list[EventType]:
    there = _names_there(await _shelf(turn).overview())
    turn.say(question if there else "utter_labs_empty", there=there)
    return [SlotSet("labs_question", turn.action if there else None)]


def _open_question(turn: Turn) -> str | None:
    """The action that asked "which test?" just before this message, where the message names one."""
    ran = (e["name"] for e in reversed(turn.tracker.events) if e["event"] == "action" and e["name"] != "action_listen")
    asked = turn.slot("labs_question")
    if not asked or next(ran, None) != asked or not _query(turn).said:
        return None
    return str(asked)


def _names_there(overview: LabChart) -> list[dict[str, Any]]:
    names = list(overview.names().items())[:MAX_NAMES]
    return [{"response": "utter_labs_name", "test": name, "sensitive": sensitive} for name, sensitive in names]


def _unasked(query: LabQuery, chart: LabChart) -> list[str]:
    """The best reading of words that no result of the patient has: the test can be explained all the same."""
    pairs = zip(query.said, query.readings, strict=True)
    return [reading[0] for said, reading in pairs if reading and said in chart.not_found]


def _only_test(page: Sequence[LabReport]) -> list[str]:
    keys = {result.key for report in page for result in report.results}
    return list(keys) if len(keys) == 1 else []


def _remember(chart: LabChart, keys: Sequence[str]) -> list[EventType]:
    names = {key: catalogue().title(key) or chart.name_of(key) or key for key in keys}
    return [SlotSet("last_lab_test", names or None)]


def _page_slots(following: dict[str, object] | None) -> list[EventType]:
    return [SlotSet("labs_page", following), SlotSet("more_action", MORE if following else None)]
