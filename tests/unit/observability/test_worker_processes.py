"""Every process of the node, measured from any of them."""

import os
from pathlib import Path

from homeport.observability.worker_processes import WorkerProcesses, forget_process, note_process


def memory(directory: Path) -> dict[str, float]:
    return {
        sample.labels["worker"]: sample.value
        for metric in WorkerProcesses(directory).collect()
        for sample in metric.samples
        if sample.name == "process_resident_memory_bytes"
    }


def test_a_process_is_measured_under_its_label_until_it_is_forgotten(tmp_path: Path) -> None:
    note_process(tmp_path, "0")
    (tmp_path / "1.pid").write_text(str(os.getppid()))
    measured = memory(tmp_path)
    assert set(measured) == {"0", "1"}
    assert measured["0"] > 1_000_000
    forget_process(tmp_path, "1")
    forget_process(tmp_path, "1")
    assert set(memory(tmp_path)) == {"0"}


def test_one_metric_holds_all_processes(tmp_path: Path) -> None:
    note_process(tmp_path, "0")
    note_process(tmp_path, "supervisor")
    names = [metric.name for metric in WorkerProcesses(tmp_path).collect()]
    assert len(set(names)) == len(names) > 3


def test_what_is_gone_or_half_written_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "0.pid").write_text("")
    (tmp_path / "1.pid").write_text("999999999")
    assert memory(tmp_path) == {}
