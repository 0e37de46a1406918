"""What every case is given: how much to do, the tools to do it with, and whom to tell."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from bench.generator import Fleet, Generator, LoadResult
from bench.narrator import Narrator
from bench.servers.process import Endpoint


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How much is done; part of every report."""

    rounds: int
    operations: int
    devices: int
    population: int
    idle_connections: int

    @property
    def warm_up(self) -> int:
        """Operations before the first round: imports, caches and prepared statements are nobody's daily cost."""
        return max(100, self.operations // 10)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The settings and the tools. `workspace` lies on the disk that durable writes are to be measured on."""

    settings: Settings
    generator: Generator
    workspace: Path
    narrator: Narrator

    def in_one_thread(self, *, devices: int = 1, operations: int = 1) -> Self:
        """The same with all devices in one thread of the generator, which disturbs a server least; so many times as
        many devices and operations."""
        settings = replace(
            self.settings,
            devices=self.settings.devices * devices,
            operations=self.settings.operations * operations,
        )
        return replace(self, settings=settings, generator=replace(self.generator, threads=1))

    def load(self, mode: str, endpoint: Endpoint, fleet: Fleet, operations: int) -> LoadResult:
        """So many operations, by as many devices at the same time as the settings say."""
        return self.generator.run(mode, endpoint, fleet, operations=operations, devices=self.settings.devices)

    def warm_up(self, mode: str, endpoint: Endpoint, fleet: Fleet) -> LoadResult:
        """The operations that come before what is measured."""
        return self.load(mode, endpoint, fleet, self.settings.warm_up)
