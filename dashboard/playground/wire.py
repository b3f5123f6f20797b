"""How the web process and the workers speak of questions, through Valkey.

A request lies under a key of its own; a list per lane holds the ids in the order in which they came; the replies are a list, and what is
going on with a request is a word. All of it goes by itself when nobody takes it.
"""

from __future__ import annotations

# Answers that somebody waits for at the page, and work that may take its time; each lane is served one request after the other.
QUICK, SLOW, LANGUAGE = "quick", "slow", "language"
# What a Triton elsewhere is asked waits apart: where it hangs, nobody waits but those who asked it.
SERVED = "served"
LANES = (QUICK, SLOW, LANGUAGE, SERVED)
# What a worker is asked of that Triton. It knows the address itself: none ever comes with a question.
LIST_SERVED, PREDICT_SERVED = "list_served", "predict_served"
# A reply that is not the last one says only how far the work is.
STATE = "state"
LOADING, WORKING = "loading", "working"
KEPT_S = 180


def lane_key(lane: str) -> str:
    return f"anneal:asked:{lane}"


def request_key(request_id: str) -> str:
    return f"anneal:asked:request:{request_id}"


def reply_key(request_id: str) -> str:
    return f"anneal:asked:reply:{request_id}"


def state_key(request_id: str) -> str:
    return f"anneal:asked:state:{request_id}"


def cancel_key(request_id: str) -> str:
    return f"anneal:asked:cancel:{request_id}"
