"""Words in the names of columns, and what they hint at."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


TIMES = _words(
    "time timestamp date at ts datetime month day week when created occurred happened event order "
    "ordered purchase purchased bought invoice transaction departs started snapshot period as of "
    "measured observed recorded sold visited"
)
OTHER_TIMES = _words(
    "birth born dob end ended until expires expiry updated modified due closed valid delivered "
    "returned shipped arrival arrives arrived last first signup signed registered left joined "
    "loaded ingested next previous"
)
"""Times of something else than the row itself."""

WHO = _words(
    "customer client user account member patient subscriber household employee player person shop "
    "store machine device sensor station vehicle tailnum product sku item company team contract "
    "policy driver borrower student visitor"
)
NAMES = _words("id ids key uuid guid no nr number code ref")
"""Of columns whose numbers are names."""

AMOUNTS = _words("amount dollars euros eur usd revenue sales spend spent value total price paid")
MEASURES = AMOUNTS | _words(
    "qty quantity count cost rate score age weight length width height temperature duration "
    "distance discount tax balance turnover"
)
CALLED_LABEL = _words("label target y outcome response")
OUTCOMES = CALLED_LABEL | _words(
    "churn churned default defaulted fraud fraudulent late delayed converted conversion clicked "
    "cancelled canceled returned survived attrition attrited won accepted success failed failure "
    "readmitted repurchased bought subscribed unsubscribed left deposit approved died diabetes "
    "injured positive class"
)
YES = ("yes", "y", "true", "t", "1", "1.0", "positive", "bad", "churned", "default", "fraud")
"""Values of a label of two texts that are its 1."""
