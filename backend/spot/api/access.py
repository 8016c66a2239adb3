"""Who may call the routes that never asked who is calling, and what is kept of what they did."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Unpack, overload

from flask import current_app

from backend.core.admin_access import EXTENSION, Actor, AdminAccess, NotAnOperatorError
from backend.core.database import run_and_commit
from backend.core.session import Session
from backend.core.wrong_tokens import count_wrong_token
from backend.spot.api.audited_request import AuditedAction, Declaration
from backend.spot.api.authentication import identified, token_in_header
from backend.spot.api.callers_described import OPERATORS, OPERATORS_AND_AGENTS, Callers, describe_callers
from backend.spot.api.readings import keep_reading
from backend.spot.models import db
from backend.spot.services.audit import audit, audit_row
from backend.spot.services.callers import ask_ownership

View = Callable[..., Any]
#: Refuses whoever may not call; who it is may take a question to the database, whose answer is wanted later.
Recognise = Callable[[dict[str, str], bool], Callable[[], Actor]]


@overload
def for_operators(view: View) -> View: ...
@overload
def for_operators(**declaration: Unpack[Declaration]) -> Callable[[View], View]: ...
def for_operators(view: View | None = None, **declaration: Any) -> View | Callable[[View], View]:
    """Call a view in one transaction, for whoever may administrate the system.

    Plain `@for_operators` is for views that only read. One that changes anything says what it does, and each time it
    has been done a row of the audit log says so: `@for_operators(action="client_deleted", entity="client")`. Where the
    id of the entity is found, AuditedAction tells.
    """
    return _guarded(view, declaration, _operator, OPERATORS)


@overload
def for_operators_and_agents(view: View) -> View: ...
@overload
def for_operators_and_agents(**declaration: Unpack[Declaration]) -> Callable[[View], View]: ...
def for_operators_and_agents(view: View | None = None, **declaration: Any) -> View | Callable[[View], View]:
    """Like for_operators; the agent named in the path may call too. What agents do is not in the audit log."""
    return _guarded(view, declaration, _operator_or_agent, OPERATORS_AND_AGENTS)


def _guarded(
    view: View | None, declaration: dict[str, Any], recognise: Recognise, callers: Callers
) -> View | Callable[[View], View]:
    declared = AuditedAction(**declaration) if declaration else None

    def decorate(guarded: View) -> View:
        return describe_callers(_in_one_transaction(guarded, declared, recognise), callers)

    return decorate if view is None else decorate(view)


def _in_one_transaction(view: View, declared: AuditedAction | None, recognise: Recognise) -> View:
    def call(session: Session, path: dict[str, str]) -> Any:
        who = recognise(path, declared is not None)
        if declared is None:
            return view(**path)
        if declared.reads:
            entity_id, details = declared.happened(path, None)
            keep_reading(audit_row(who(), declared.action, declared.entity, entity_id, details))
            return view(**path)
        answer = view(**path)
        actor = who()
        if actor.kind == "agent":
            return answer
        answer = current_app.make_response(answer)
        if answer.status_code < 400:
            entity_id, details = declared.happened(path, answer)
            audit(session, actor, declared.action, declared.entity, entity_id, details)
        return answer

    @wraps(view)
    def run(**path: str) -> Any:
        session = db.session()
        return run_and_commit(session, lambda: call(session, path))

    run.audited_action = declared  # type: ignore[attr-defined]
    return run


def _operator(path: dict[str, str], audited: bool) -> Callable[[], Actor]:
    try:
        operator = _access().operator()
    except NotAnOperatorError as stranger:
        raise _counted(stranger) from None
    return lambda: operator


def _operator_or_agent(path: dict[str, str], audited: bool) -> Callable[[], Actor]:
    """An agent is known by its client's token. Where everybody may call, it is asked for only to know who did it."""
    agent_id, token = path["agent_id"], token_in_header()
    try:
        operator = _access().operator()
    except NotAnOperatorError as stranger:
        if not token:
            raise _counted(stranger) from None
        identified(token, agent_id).own_agent()
        return lambda: Actor.of_request("agent", agent_id)
    if operator.kind != "open" or not audited or not token:
        return lambda: operator
    is_its_own = ask_ownership(db.session(), token, agent_id)
    return lambda: Actor.of_request("agent", agent_id) if is_its_own() else operator


def _counted(stranger: NotAnOperatorError) -> NotAnOperatorError:
    if stranger.offered:
        count_wrong_token()
    return stranger


def _access() -> AdminAccess:
    access: AdminAccess = current_app.extensions[EXTENSION]
    return access
