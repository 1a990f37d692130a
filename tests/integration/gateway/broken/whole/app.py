"""A service that loads."""

from shared.http import PUBLIC, App, Call

app = App("whole")


@app.route("/v1/whole", access=PUBLIC)
def whole(call: Call) -> dict[str, bool]:
    """Says that it works."""
    return {"whole": True}
