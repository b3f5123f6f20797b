"""The Celery app of the workers. The broker is a doorbell: what is to be done, and who does it, stands in the database."""

from __future__ import annotations

from celery import Celery

from dashboard import redis

# Without Celery's Django fixup, which would load every page of the dashboard into the worker to check it.
app = Celery("anneal", broker=redis.url(), fixups=[])
app.conf.update(
    include=["workers.tasks"],
    accept_content=["json"],
    task_serializer="json",
    task_ignore_result=True,
    task_acks_late=False,
    worker_pool="threads",
    worker_prefetch_multiplier=1,
    # Nothing is reserved while every thread is busy: another worker may be idle.
    worker_disable_prefetch=True,
    worker_hijack_root_logger=False,
    worker_redirect_stdouts=False,
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    broker_transport_options={"socket_connect_timeout": redis.CONNECT_TIMEOUT_S, "health_check_interval": 10},
)
