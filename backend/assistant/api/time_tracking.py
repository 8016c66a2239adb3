"""`POST /api/tools/time-tracking`: time."""

from backend.assistant.api.timed import now
from backend.assistant.api.tool_actions import Action, tool_blueprint
from backend.assistant.schemas import time_tracking as schemas
from backend.assistant.schemas.projects import NewProject, ProjectChanges, ProjectList, ProjectNamed
from backend.assistant.services import projects
from backend.assistant.services.time_tracking import (
    activities,
    breaks,
    entries,
    export,
    goals,
    report,
    sessions,
    timer,
)

ACTIONS = {
    "start": Action(schemas.TimerStart(), now(timer.start)),
    "pause": Action(schemas.TimerPause(), now(timer.pause)),
    "resume": Action(schemas.TimerResume(), now(timer.resume)),
    "stop": Action(schemas.TimerStop(), now(timer.stop)),
    "status": Action(schemas.TimerStatus(), now(timer.status)),
    "report": Action(schemas.TimeReport(), now(report.report)),
    "sessions": Action(schemas.SessionList(), now(sessions.listed)),
    "update_session": Action(schemas.SessionChanges(), now(sessions.change)),
    "delete_session": Action(schemas.SessionNamed(), sessions.delete),
    "entries": Action(schemas.EntryList(), entries.listed),
    "add_entry": Action(schemas.NewEntry(), now(entries.add)),
    "update_entry": Action(schemas.EntryChanges(), entries.change),
    "delete_entry": Action(schemas.EntryNamed(), entries.delete),
    "projects": Action(ProjectList(), projects.listed),
    "create_project": Action(NewProject(), now(projects.create)),
    "update_project": Action(ProjectChanges(), projects.update),
    "archive_project": Action(ProjectNamed(), projects.archive),
    "activities": Action(schemas.ActivityList(), activities.listed),
    "log_activity": Action(schemas.NewActivity(), now(activities.log)),
    "breaks": Action(schemas.BreakList(), breaks.listed),
    "add_break": Action(schemas.NewBreak(), breaks.add),
    "goals": Action(schemas.DayGoalList(), now(goals.listed)),
    "set_goal": Action(schemas.NewDayGoal(), now(goals.put)),
    "export_csv": Action(schemas.TimePeriod(), now(export.export)),
}

time_tracking = tool_blueprint("time-tracking", "Time tracking", ACTIONS)
