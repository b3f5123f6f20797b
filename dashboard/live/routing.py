"""Which websocket addresses there are."""

from django.urls import path

from dashboard.live.consumers import OverviewConsumer, RunConsumer

websocket_urlpatterns = [
    path("ws/runs/<int:run_id>/", RunConsumer.as_asgi()),
    path("ws/overview/", OverviewConsumer.as_asgi()),
]
