"""What decides does not wait, and what speaks does not know the time: the pure rooms, and what is kept out of them."""

import ast

from tests.architecture.source import Module, modules

DECISIONS = modules(
    "provisioning/attestation",
    "provisioning/allocation",
    "provisioning/reprovisioning.py",
    "provisioning/lifecycle.py",
)
SENTENCES = modules("protocols", "wire", "model")
PURE = [*DECISIONS, *SENTENCES]

KEPT_OUT = {
    "asyncio": "a protocol never waits: event in, commands out",
    "socket": "bytes come in as values; sockets are the edge's",
    "ssl": "TLS is the edge's",
    "threading": "whoever waits for nobody needs no lock",
    "time": "time comes in as a value",
    "random": "randomness comes in as a value, or through homeport.clock.Randomness",
    "secrets": "randomness comes in as a value, or through homeport.clock.Randomness",
    "sqlite3": "what is stored comes in as a value",
    "os": "nothing here knows the machine",
}


def test_the_pure_rooms_do_not_wait() -> None:
    waiting = (ast.AsyncFunctionDef, ast.Await, ast.AsyncFor, ast.AsyncWith)
    assert [place(module, node) for module in PURE for node in ast.walk(module.tree) if isinstance(node, waiting)] == []


def test_the_pure_rooms_know_neither_time_nor_sockets() -> None:
    imported = [(module.path, name.partition(".")[0]) for module in PURE for name in module.imports()]
    assert [f"{path} imports {name}: {KEPT_OUT[name]}" for path, name in imported if name in KEPT_OUT] == []


def test_the_pure_rooms_do_not_read_the_time() -> None:
    reading = [
        place(module, node)
        for module in PURE
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func) in {"datetime.now", "datetime.utcnow", "date.today"}
    ]
    assert reading == []


def place(module: Module, node: ast.AST) -> str:
    """Where something stands, as editors want to hear it."""
    return f"{module.path}:{getattr(node, 'lineno', 0)}"


def test_only_the_clock_reads_the_time_and_asks_for_randomness() -> None:
    elsewhere = {
        # `homeport hub events --follow` pauses between two looks.
        ("cli/hub.py", "time"),
    }
    found = {
        (module.path, name)
        for module in modules()
        for name in module.imports()
        if name in {"time", "random", "secrets", "uuid"} and module.path != "clock.py"
    }
    assert found <= elsewhere
