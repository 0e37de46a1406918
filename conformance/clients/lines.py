"""The line protocol that every Python judge speaks: one JSON request in, one JSON answer out.

A request is `{"verb": …, "request": {…}}`; the answer is `{"value": …}` or `{"error": {…}}`. An error keeps what the
SDK itself reports (type, message, causes) and, where the SDK kept the server's reply, its status and body: so a test
can assert what a user of that SDK would see. `conformance/node/lines.js` is the twin; `conformance/judges.py` asks.
"""

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any

Verb = Callable[[dict[str, Any]], object]


def serve(verbs: Mapping[str, Verb]) -> None:
    """Answer request lines from standard input until it ends."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # an SDK that prints must not spoil the protocol
    for line in sys.stdin:
        question = json.loads(line)
        print(json.dumps(_answer(verbs[question["verb"]], question["request"])), file=answers, flush=True)


def _answer(verb: Verb, request: dict[str, Any]) -> dict[str, object]:
    try:
        return {"value": verb(request)}
    except Exception as error:
        return {"error": describe(error)}


def describe(error: BaseException) -> dict[str, object]:
    """What the SDK tells its user about a failure, as JSON."""
    chain = list(_chain(error))
    first, *causes = [{"type": type(link).__name__, "message": str(link)} for link in chain]
    replies = [link.response for link in chain if getattr(link, "response", None) is not None]
    reply = {"status": replies[0].status_code, "body": _body(replies[0])} if replies else {}
    return {**first, "causes": causes, **reply}


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        # The older service client keeps its cause in an attribute of its own.
        error = getattr(error, "cause", None) or error.__cause__


def _body(reply: Any) -> object:
    text = reply.text() if callable(reply.text) else reply.text
    try:
        return json.loads(text)
    except ValueError:
        return text
