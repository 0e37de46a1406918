"""Accepting, pausing, and what is waiting in the kernel meanwhile."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
import uvloop
from tests.unit.endpoints.edge import HOST

from homeport.endpoints.accepting import Acceptor
from homeport.endpoints.listening_sockets import Ports, bind

Runner = Callable[[Coroutine[Any, Any, None]], None]
both_loops = pytest.mark.parametrize("run", [uvloop.run, asyncio.run])


class Greeter(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.write(b"hello\n")  # type: ignore[attr-defined]
        transport.close()


class Scene:
    """An acceptor with two ports."""

    async def open(self) -> "Scene":
        self.acceptor = Acceptor(backlog=10)
        sockets = bind([HOST], Ports(https=0, mqtt=0, amqp=None))
        self.ports = [each.getsockname()[1] for bound in sockets.values() for each in bound]
        for bound in sockets.values():
            for each in bound:
                await self.acceptor.start(Greeter, each)
        return self

    async def greeting(self, port: int) -> bytes:
        reader, writer = await asyncio.open_connection(HOST, port)
        line = await reader.readline()
        writer.close()
        return line


@both_loops
def test_a_pause_keeps_nobody_out(run: Runner) -> None:
    async def scenario() -> None:
        scene = await Scene().open()
        scene.acceptor.pause()
        waiting = [asyncio.ensure_future(scene.greeting(port)) for port in scene.ports]
        done, _ = await asyncio.wait(waiting, timeout=0.2)
        assert not done
        assert scene.acceptor.is_open
        scene.acceptor.resume()
        assert await asyncio.gather(*waiting) == [b"hello\n", b"hello\n"]
        scene.acceptor.close()

    run(scenario())


@both_loops
def test_pauses_in_a_row(run: Runner) -> None:
    async def scenario() -> None:
        scene = await Scene().open()
        for _ in range(3):
            scene.acceptor.pause()
            scene.acceptor.resume()
            scene.acceptor.resume()
        scene.acceptor.pause()
        scene.acceptor.resume()
        await asyncio.sleep(0)
        scene.acceptor.pause()
        scene.acceptor.resume()
        assert [await scene.greeting(port) for port in scene.ports] == [b"hello\n", b"hello\n"]
        scene.acceptor.close()

    run(scenario())


@both_loops
def test_the_last_word(run: Runner) -> None:
    async def scenario() -> None:
        scene = await Scene().open()
        scene.acceptor.pause()
        scene.acceptor.resume()
        scene.acceptor.close()
        scene.acceptor.resume()
        await asyncio.sleep(0.05)
        assert not scene.acceptor.is_open
        for port in scene.ports:
            with pytest.raises(OSError):
                await asyncio.open_connection(HOST, port)

    run(scenario())


@both_loops
def test_those_who_wait_are_counted(run: Runner) -> None:
    async def scenario() -> None:
        scene = await Scene().open()
        assert scene.acceptor.waiting() == [0, 0]
        scene.acceptor.pause()
        waiting = [asyncio.ensure_future(scene.greeting(scene.ports[1])) for _ in range(3)]
        for _ in range(200):
            await asyncio.sleep(0.01 * (scene.acceptor.waiting() != [0, 3]))
        assert scene.acceptor.waiting() == [0, 3]
        scene.acceptor.bound_waiting(5)
        scene.acceptor.resume()
        assert await asyncio.gather(*waiting) == [b"hello\n"] * 3
        scene.acceptor.close()

    run(scenario())
