"""Why a run ends before its work is done, or does not begin."""


class JobInterruptedError(Exception):
    """The run must end; what it has committed stays, and the job goes on another time."""


class LeaseLostError(JobInterruptedError):
    """Another process may have taken the job over."""


class JobStoppedError(JobInterruptedError):
    """The process is about to end, or the job now belongs to the other side."""


class JobRefusedError(Exception):
    """A run that was asked for by hand can't begin; the text says why."""
