"""gunicorn as it is meant to run `wsgi:application`: ``gunicorn --config deploy/gunicorn.conf.py wsgi:application``.

Everything can be set from the environment; what is set on the command line wins.
"""

import os

bind = os.environ.get("BIND", "127.0.0.1:8000")
# Threads, not processes, wait for the database and for the upstream.
worker_class = "gthread"
workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
threads = int(os.environ.get("WEB_THREADS", "16"))
# The proxy's own time-outs are shorter; this one is for a worker that hangs.
timeout = 150
# Longer than the idle time of the load balancers in front, so that they never send into a closing connection.
keepalive = 75
# A stop lets running requests finish, and hands the jobs to another worker.
graceful_timeout = int(os.environ.get("GRACEFUL_TIMEOUT", "30"))
# A fresh process now and then, not all at once.
max_requests = int(os.environ.get("MAX_REQUESTS", "50000"))
max_requests_jitter = max_requests // 10
# Workers prove that they live by touching a file: never on a disk that may be slow.
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None  # noqa: S108, PTH112 (gunicorn's own advice)
# The application logs every request as a JSON line already.
accesslog = None
loglevel = os.environ.get("GUNICORN_LOG_LEVEL", "info")
# Who may say whom he forwards for is the application's decision: CUTOVER_TRUSTED_HOPS.
forwarded_allow_ips = ""


def post_worker_init(worker: object) -> None:
    """Take part in running jobs from the start, not only from the first request on."""
    worker.wsgi.start_jobs()  # type: ignore[attr-defined]
