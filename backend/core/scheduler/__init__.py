"""Scheduled work: each run of a job happens in one process, however many there are.

Every serving process runs a scheduler, and at each slot of a job all of them try to take the job's lease in the
database. There is one lease for each job, held while it runs, rather than one for the scheduler:

- a run by hand excludes the scheduled run of the same job, and nothing else;
- a long job does not keep the others waiting, and work is spread over the processes;
- nobody is elected, so nothing has to be handed over: when a process dies, only the run it was in the middle of has to
  be done again, by whoever sees its lease expire.

The lease also remembers the last slot that was taken, so a slot is never run twice, and one that nobody could take is
made up for. All times are the database's, in UTC.
"""

from backend.core.scheduler.installation import install_jobs
from backend.core.scheduler.interruptions import JobInterruptedError
from backend.core.scheduler.job import Counts, Job, JobRun
from backend.core.scheduler.schedule import Schedule, daily, every, hourly
from backend.core.scheduler.states import LEASES_WITH_RUNS, job_states, recently_told_jobs, tell_jobs

__all__ = [
    "LEASES_WITH_RUNS",
    "Counts",
    "Job",
    "JobInterruptedError",
    "JobRun",
    "Schedule",
    "daily",
    "every",
    "hourly",
    "install_jobs",
    "job_states",
    "recently_told_jobs",
    "tell_jobs",
]
