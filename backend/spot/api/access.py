"""Who may call the routes that never asked who is calling, and what is kept of what they did."""

from collections.abc import Callable
from functools import wraps
from typing import Any, overload

from flask import current_app, request

from backend.core.database import run_and_commit
from backend.spot.api.audited_request import AuditedAction
from backend.spot.models import db
from backend.spot.services.audit import Actor, audit

View = Callable[..., Any]


@overload
def for_operators(view: View) -> View: ...
@overload
def for_operators(*, action: str, entity: str, id_in_answer: str | None = None) -> Callable[[View], View]: ...
def for_operators(
    view: View | None = None, *, action: str = "", entity: str = "", id_in_answer: str | None = None
) -> View | Callable[[View], View]:
    """Call a view in one transaction, for whoever may administrate the system.

    Plain `@for_operators` is for views that only read. One that changes anything says what it does, and each time it
    has been done a row of the audit log says so: `@for_operators(action="client_deleted", entity="client")`. The id of
    the entity is the path's `<entity>_id`, or what stands in the JSON answer at `id_in_answer` (`"client.id"`).
    """
    if view is not None:
        return _in_one_transaction(view, None)
    declared = AuditedAction(action, entity, id_in_answer)
    return lambda declaring_view: _in_one_transaction(declaring_view, declared)


@overload
def for_operators_and_agents(view: View) -> View: ...
@overload
def for_operators_and_agents(
    *, action: str, entity: str, id_in_answer: str | None = None
) -> Callable[[View], View]: ...
def for_operators_and_agents(
    view: View | None = None, *, action: str = "", entity: str = "", id_in_answer: str | None = None
) -> View | Callable[[View], View]:
    """Like for_operators; the agent named in the path may call too. What agents do is not in the audit log."""
    if view is not None:
        return for_operators(view)
    return for_operators(action=action, entity=entity, id_in_answer=id_in_answer)


def _in_one_transaction(view: View, declared: AuditedAction | None) -> View:
    @wraps(view)
    def run(**path: str) -> Any:
        actor = Actor("open", address=request.remote_addr, user_agent=request.user_agent.string)
        return run_and_commit(db.session(), lambda: _audited(actor, path))

    def _audited(actor: Actor, path: dict[str, str]) -> Any:
        if declared is None:
            return view(**path)
        answer = current_app.make_response(view(**path))
        if answer.status_code < 400:
            entity_id, details = declared.happened(path, answer)
            audit(db.session(), actor, declared.action, declared.entity, entity_id, details)
        return answer

    run.audited_action = declared  # type: ignore[attr-defined]
    return run
