"""The doorbell: tells a worker by task name that something waits. It carries no authority, so a lost or doubled ring is harmless."""

from __future__ import annotations

import logging
from functools import lru_cache

from celery import Celery
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from dashboard import redis

log = logging.getLogger(__name__)

TRAINING = "training"
RETRY = {"max_retries": 2, "interval_start": 0, "interval_step": 0.2}
TRANSPORT = {"socket_connect_timeout": redis.CONNECT_TIMEOUT_S, "socket_timeout": redis.TIMEOUT_S}


@lru_cache(maxsize=4)
def producer(url: str) -> Celery:
    """An app that only sends: the web process never loads the tasks themselves."""
    app = Celery("anneal", broker=url, set_as_current=False)
    app.conf.update(broker_transport_options=TRANSPORT, task_ignore_result=True, task_serializer="json")
    return app


def send(task: str, queue: str, *arguments: int | str) -> bool:
    """Returns whether the server took the message."""
    try:
        producer(redis.url()).send_task(task, arguments, queue=queue, retry_policy=RETRY)
    except (OperationalError, RedisError, OSError) as error:
        log.warning("nobody could be told of %s%s: %s", task, arguments, error)
        return False
    return True


def ring(job_id: int) -> None:
    """Says that a job is queued. Workers also look by themselves, so a ring only saves them the wait."""
    send("workers.tasks.run_next", TRAINING, job_id)
