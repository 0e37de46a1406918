"""What is measured: one file per case, one row in the table per case."""

from collections.abc import Callable, Mapping

from bench.cases.https_sas import measure_https_sas
from bench.cases.idle_memory import measure_idle_memory
from bench.cases.lookup import measure_lookup
from bench.cases.mqtt_sas import measure_mqtt_sas
from bench.cases.plain_http import measure_plain_http
from bench.measurement import CaseResult
from bench.plan import Plan

CASES: Mapping[str, Callable[[Plan], CaseResult]] = {
    "https-sas": measure_https_sas,
    "mqtt-sas": measure_mqtt_sas,
    "plain-http": measure_plain_http,
    "lookup": measure_lookup,
    "idle-memory": measure_idle_memory,
}
