"""What a message makes a worker do."""

from __future__ import annotations

from celery import shared_task

from workers import runner


@shared_task(name="workers.tasks.run_next")
def run_next(job_id: int) -> None:
    """Somebody queued a job: a free slot looks at once. It takes the oldest job, whichever rang."""
    runner.bell.set()
