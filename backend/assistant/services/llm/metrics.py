"""What Prometheus is told about the model. The supervisor counts, so every worker tells the same."""

from collections.abc import Iterable, Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from backend.assistant.services.llm.protocol import Message
from backend.assistant.services.llm.service import UNAVAILABLE, Llm

STATES = ("idle", "loading", "ready", "failed", "crashed")
OUTCOMES = ("answered", "refused", "failed", "cancelled", "timed_out")


class ModelMetrics(Collector):
    """Asks the supervisor whenever figures are wanted; counters begin anew with each supervisor."""

    def __init__(self, llm: Llm) -> None:
        self._llm = llm

    def describe(self) -> Iterable[Metric]:
        """Nothing: the supervisor is not asked before somebody wants to know."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """The figures; none where the supervisor does not answer."""
        status = self._llm.status()
        if status["state"] == UNAVAILABLE:
            return
        yield from _gauges(status)
        yield from _counters(status)


def _gauges(status: Message) -> Iterator[Metric]:
    yield GaugeMetricFamily(
        "westfall_model_loaded", "Whether a language model is at work", value=float(status["model"] is not None)
    )
    states = GaugeMetricFamily("westfall_model_state", "1 for the state that the model is in", labels=["state"])
    for state in STATES:
        states.add_metric([state], float(status["state"] == state))
    yield states
    yield GaugeMetricFamily(
        "westfall_model_queue_length", "Requests that wait for the model", value=float(status["queue"]["waiting"])
    )


def _counters(status: Message) -> Iterator[Metric]:
    counted = status["counters"]
    yield CounterMetricFamily(
        "westfall_tokens_generated", "Tokens the model has written", value=float(counted.get("completion_tokens", 0))
    )
    yield CounterMetricFamily(
        "westfall_prompt_tokens", "Tokens the model has read", value=float(counted.get("prompt_tokens", 0))
    )
    yield CounterMetricFamily(
        "westfall_model_restarts", "Times the model was loaded again after it was lost", value=status["restarts"]
    )
    requests = CounterMetricFamily("westfall_model_requests", "What became of requests", labels=["outcome"])
    for outcome in OUTCOMES:
        requests.add_metric([outcome], float(counted.get(outcome, 0)))
    yield requests
