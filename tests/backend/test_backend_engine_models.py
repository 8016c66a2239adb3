"""Risk models: what they change in decisions, and which files are never loaded."""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any

import onnx
import pytest
from onnx import TensorProto

from tests.backend.conftest import Spot
from tests.backend.engines import MODELS, SITUATION, answer, engine_code, onnx_risk, operator, start


@pytest.fixture
def spot(tmp_path: Path, sqlite_template: Path) -> Spot:
    return start(tmp_path, sqlite_template)


@pytest.fixture
def trusting(tmp_path: Path, sqlite_template: Path) -> Spot:
    """A system that may load pickles."""
    return start(tmp_path, sqlite_template, ALLOW_PICKLE_MODELS="true")


class PriceModel:
    """Predicts the share of the price as risk; pickled by its name."""

    def predict(self, rows: list[list[float]]) -> list[float]:
        return [row[2] for row in rows]


class Intruder:
    """Makes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.path),)


def decide(spot: Spot) -> tuple[str, str | None, float]:
    decision = spot.post("decide", SITUATION).json
    return decision["recommended_action"], decision["recommended_pool_id"], decision["risk_score"]


class TestOnnx:
    def test_the_models_risk_counts(self, spot: Spot) -> None:
        assert decide(spot) == ("switch_to_spot", "pool-a", 0.0)
        operator(spot).put_live(("risk.onnx", onnx_risk(0.25)))
        assert decide(spot) == ("switch_to_spot", "pool-a", 0.25)
        operator(spot).put_live(("risk.onnx", onnx_risk(0.9)))
        assert decide(spot) == ("stay", None, 0.0)
        assert operator(spot).fall_back().status_code == 200
        assert decide(spot) == ("switch_to_spot", "pool-a", 0.25)

    def test_it_sees_the_features_of_each_pool(self, spot: Spot) -> None:
        """1 - price_ratio: the cheaper pool is the riskier one."""
        operator(spot).put_live(("any.onnx", onnx_risk(1.0, 0.0, 0.0, -1.0)))
        spot.sql("UPDATE agent_configs SET risk_threshold = 0.6")
        assert decide(spot) == ("switch_to_spot", "pool-b", pytest.approx(0.5))

    def test_it_knows_how_often_a_pool_was_interrupted(self, spot: Spot) -> None:
        operator(spot).put_live(("any.onnx", onnx_risk(0.0, 0.0, 0.0, 0.0, 6.0)))
        spot.sql(
            "INSERT INTO spot_interruption_events (instance_id, agent_id, pool_id, signal_type, detected_at,"
            " response_action) VALUES ('i', 'a', 'pool-a', 'termination-notice', datetime('now'), 'no-action')"
        )
        assert decide(spot)[:2] == ("switch_to_spot", "pool-a")
        assert decide(spot)[2] == pytest.approx(0.2)

    def test_the_pool_of_an_agent_on_spot_is_judged_too(self, spot: Spot) -> None:
        operator(spot).put_live(("any.onnx", onnx_risk(1.0, 0.0, 0.0, -1.0)))
        here = {"instance_id": "i-1", "current_mode": "spot", "current_pool_id": "pool-a"}
        decision = spot.post("decide", {**SITUATION, "instance": here}).json
        assert decision["recommended_action"] == "switch_to_ondemand"
        assert decision["reason"].startswith("Current pool has an interruption risk of 0.75")

    def test_what_it_answers_is_kept_between_0_and_1(self, spot: Spot) -> None:
        operator(spot).put_live(("any.onnx", onnx_risk(-5.0)))
        assert decide(spot)[2] == 0.0

    def test_of_several_the_one_called_risk_is_taken(self, spot: Spot) -> None:
        operator(spot).put_live(("other.onnx", onnx_risk(0.1)), ("risk.onnx", onnx_risk(0.2)))
        assert decide(spot)[2] == pytest.approx(0.2)

    def test_it_is_registered_and_shown(self, spot: Spot) -> None:
        session_id = operator(spot).put_live(("first.onnx", onnx_risk(0.1)))
        operator(spot).put_live(("second.onnx", onnx_risk(0.2)))
        active = operator(spot).system_health()["modelStatus"]["activeModels"]
        (second,) = spot.sql("SELECT * FROM model_registry WHERE is_active = 1")
        assert active == [{"active": True, "name": "second", "version": second["version"]}]
        (first,) = spot.sql("SELECT * FROM model_registry WHERE is_active = 0")
        assert (first["upload_session_id"], first["model_type"]) == (session_id, "interruption_risk")
        operator(spot).fall_back()
        assert [row["model_name"] for row in spot.sql("SELECT * FROM model_registry WHERE is_active = 1")] == ["first"]
        assert len(spot.sql("SELECT * FROM model_registry")) == 2
        spot.post("decide", SITUATION)
        assert first["version"] in spot.one("SELECT models_used FROM decision_engine_log")["models_used"]

    @pytest.mark.parametrize(
        ("files", "why"),
        [
            ([("net.onnx", b"onnx")], "net.onnx is no ONNX model: "),
            ([("net.onnx", onnx_risk(0.5, features=4))], "net.onnx did not answer: "),
            ([("net.onnx", onnx_risk(0.5, outputs=2))], "net.onnx answers 4 values for 2 pools"),
            ([("net.onnx", onnx_risk(float("nan")))], "net.onnx answers 2 values for 2 pools, or some that are no"),
            ([("a.onnx", onnx_risk(0.1)), ("b.onnx", onnx_risk(0.1))], "Which of a.onnx, b.onnx is the risk model? "),
        ],
        ids=["no model", "other features", "other answers", "no numbers", "two"],
    )
    def test_what_is_no_risk_model_is_not_activated(self, spot: Spot, tmp_path: Path, files: Any, why: str) -> None:
        live = operator(spot).put_live(("risk.onnx", onnx_risk(0.25)))
        uploaded = operator(spot).upload(*files).json
        assert ("warnings" in uploaded) == (files[0][1] == b"onnx"), "that much can be told before"
        pending = uploaded["sessionId"]
        before = operator(spot).states()
        refused = operator(spot).activate(pending)
        assert refused.status_code == 500
        assert refused.json["error"].startswith(why)
        assert str(tmp_path) not in refused.json["error"]
        assert {key: refused.json[key] for key in ("message", "sessionId", "success")} == {
            "message": "Failed to load new models",
            "sessionId": pending,
            "success": False,
        }
        assert operator(spot).states() == before
        assert before[live] == ("active", False, True)
        assert decide(spot)[2] == 0.25
        assert len(spot.sql("SELECT * FROM system_events WHERE event_type = 'decision_error'")) == 1

    def test_a_fallback_that_does_not_load_changes_nothing(self, spot: Spot, tmp_path: Path) -> None:
        first = operator(spot).put_live(("risk.onnx", onnx_risk(0.25)))
        operator(spot).put_live(("risk.onnx", onnx_risk(0.1)))
        (stored,) = (path for path in (tmp_path / "models" / first).iterdir() if path.is_file())
        stored.chmod(0o644)
        stored.write_bytes(b"damaged")
        before = operator(spot).states()
        refused = operator(spot).fall_back()
        assert refused.status_code == 500
        assert (refused.json["message"], refused.json["success"]) == ("Failed to load fallback models", False)
        assert refused.json["error"] == f"risk.onnx of upload {first} is not what was uploaded"
        assert operator(spot).states() == before
        assert decide(spot)[2] == pytest.approx(0.1)

    def test_a_model_cannot_read_files_beside_its_own(self, spot: Spot, tmp_path: Path) -> None:
        secret = tmp_path / "secret"
        secret.write_bytes(b"\0" * 64)
        model = onnx.load_from_string(onnx_risk(0.1))
        weights = next(one for one in model.graph.initializer if one.name == "weights")
        weights.ClearField("float_data")
        weights.data_location = TensorProto.EXTERNAL
        for key, value in (("location", "../../../secret"), ("offset", "0"), ("length", "24")):
            entry = weights.external_data.add()
            entry.key, entry.value = key, value
        session_id = operator(spot).upload(("risk.onnx", model.SerializeToString())).json["sessionId"]
        assert operator(spot).activate(session_id).status_code == 500


class TestPickles:
    def test_they_are_not_loaded_unless_that_is_allowed(self, spot: Spot, tmp_path: Path) -> None:
        trace = tmp_path / "trace"
        files = [(f"risk{suffix}", pickle.dumps(Intruder(trace))) for suffix in (".pkl", ".joblib", ".pt", ".h5")]
        session_id = operator(spot).upload(*files).json["sessionId"]
        activated = operator(spot).activate(session_id)
        assert activated.status_code == 200
        assert activated.json["warnings"] == [
            f"{name} was not loaded: its format can carry code, and ALLOW_PICKLE_MODELS is not set" for name, _ in files
        ]
        assert decide(spot)[2] == 0.0
        assert not trace.exists()

    def test_engines_do_not_see_them(self, tmp_path: Path, sqlite_template: Path) -> None:
        shown = "dict(ANSWER, reason=repr(sorted(path.name for path in self.model_dir.iterdir())))"
        code = f"ANSWER = {answer()}\n".encode() + engine_code(shown)
        files = [("a.pkl", b"a"), ("b.pt", b"b"), ("c.onnx", b"c")]
        for allowed, names in (("false", ["c.onnx"]), ("true", ["a.pkl", "b.pt", "c.onnx"])):
            spot = start(tmp_path, sqlite_template, ALLOW_ENGINE_UPLOAD="true", ALLOW_PICKLE_MODELS=allowed)
            assert operator(spot).upload_engine(("engine.py", code)).status_code == 200
            operator(spot).put_live(*files)
            assert spot.post("decide", SITUATION).json["reason"] == repr(names)

    def test_they_are_loaded_where_that_is_allowed(self, trusting: Spot) -> None:
        operator(trusting).put_live(("risk.pkl", pickle.dumps(PriceModel())))
        assert decide(trusting) == ("switch_to_spot", "pool-a", 0.25)

    @pytest.mark.parametrize(
        ("content", "why"),
        [
            (b"web model bytes", "risk.pkl cannot be unpickled: "),
            (pickle.dumps("no model"), "risk.pkl did not answer: 'str' object has no attribute 'predict'"),
        ],
    )
    def test_what_is_no_model_is_not_activated(self, trusting: Spot, content: bytes, why: str) -> None:
        session_id = operator(trusting).upload(("risk.pkl", content)).json["sessionId"]
        refused = operator(trusting).activate(session_id)
        assert refused.status_code == 500
        assert refused.json["error"].startswith(why)

    def test_they_are_no_longer_loaded_when_that_is_forbidden_again(
        self, trusting: Spot, tmp_path: Path, sqlite_template: Path
    ) -> None:
        operator(trusting).put_live(("risk.pkl", pickle.dumps(PriceModel())))
        assert decide(start(tmp_path, sqlite_template))[2] == 0.0


def test_what_is_live_is_loaded_by_the_next_process(tmp_path: Path, sqlite_template: Path) -> None:
    operator(start(tmp_path, sqlite_template)).put_live(("risk.onnx", onnx_risk(0.2)))
    assert decide(start(tmp_path, sqlite_template))[2] == pytest.approx(0.2)


def test_an_upload_does_not_take_the_models_at_work_away(tmp_path: Path, sqlite_template: Path) -> None:
    """Until it is activated, the session that was live decides, also in processes that start meanwhile."""
    spot = start(tmp_path, sqlite_template)
    operator(spot).put_live(("risk.onnx", onnx_risk(0.2)))
    operator(spot).upload(("risk.onnx", onnx_risk(0.9)))
    assert decide(spot)[2] == pytest.approx(0.2)
    assert decide(start(tmp_path, sqlite_template))[2] == pytest.approx(0.2)


class TestSessionsOfTheOldSide:
    """Its files lie side by side in the model directory, and nothing says what is in them."""

    def add(self, spot: Spot, root: Path, name: str, content: bytes | None) -> str:
        session_id = f"00000000-0000-4000-8000-0000000000{len(spot.sql('SELECT 1 FROM model_upload_sessions')):02d}"
        spot.sql(
            "INSERT INTO model_upload_sessions (id, status, is_live, file_count, file_names, activated_at)"
            " VALUES (?, 'active', 1, 1, ?, datetime('now'))",
            session_id,
            f'["{name}"]',
        )
        root.mkdir(exist_ok=True)
        if content is not None:
            (root / name).write_bytes(content)
        return session_id

    def test_they_can_be_activated(self, spot: Spot, tmp_path: Path) -> None:
        session_id = self.add(spot, tmp_path / "models", "old.onnx", onnx_risk(0.2))
        assert decide(spot)[2] == 0.0
        assert operator(spot).activate(session_id).status_code == 200
        (tmp_path / "models" / "old.onnx").unlink()
        assert decide(spot)[2] == pytest.approx(0.2)

    def test_not_without_their_files(self, spot: Spot, tmp_path: Path) -> None:
        session_id = self.add(spot, tmp_path / "models", "gone.onnx", None)
        refused = operator(spot).activate(session_id)
        assert (refused.status_code, refused.json["message"]) == (500, "Failed to load new models")
        assert "gone.onnx" in refused.json["error"]
        assert not (tmp_path / "models" / session_id).exists()

    def test_two_live_ones_become_one(self, spot: Spot, tmp_path: Path) -> None:
        first = self.add(spot, tmp_path / "models", "a.onnx", onnx_risk(0.1))
        second = self.add(spot, tmp_path / "models", "b.onnx", onnx_risk(0.2))
        assert operator(spot).activate(first).status_code == 200
        assert operator(spot).states() == {first: ("active", True, False), second: ("active", False, True)}


def test_routes_are_described_with_examples(spot: Spot) -> None:
    spec = spot.http.get("/openapi.json").json
    for path in ("upload", "activate", "fallback", "sessions"):
        (operation,) = spec["paths"][f"{MODELS}/{path}"].values()
        assert "200" in operation["responses"]
    upload = spec["paths"]["/api/admin/decision-engine/upload"]["post"]
    assert "multipart/form-data" in upload["requestBody"]["content"]
    assert set(upload["responses"]) >= {"200", "400", "403", "409", "500"}
    assert spec["components"]["schemas"]["ModelSession"]["properties"]["status"]["example"] == "active"
