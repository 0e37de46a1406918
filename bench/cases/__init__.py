"""What is measured: one file per case, one row in the table per case."""

from collections.abc import Callable, Mapping

from bench.cases.amqp_sas import measure_amqp_sas
from bench.cases.commits import measure_commits
from bench.cases.deployments import DEPLOYMENT_CASES
from bench.cases.https_chain import measure_https_chain
from bench.cases.https_sas import measure_https_sas
from bench.cases.https_self_signed import measure_https_self_signed
from bench.cases.idle_memory import measure_idle_memory
from bench.cases.lookup import measure_lookup
from bench.cases.mqtt_sas import measure_mqtt_sas
from bench.cases.mqtt_x509 import measure_mqtt_x509
from bench.cases.plain_http import measure_plain_http
from bench.cases.slow_disk import measure_slow_disk
from bench.cases.two_servers import CONTROL_CASES
from bench.cases.worker_memory import measure_worker_memory
from bench.measurement import CaseResult
from bench.plan import Plan

CASES: Mapping[str, Callable[[Plan], CaseResult]] = {
    "https-sas": measure_https_sas,
    "https-self-signed": measure_https_self_signed,
    "https-chain": measure_https_chain,
    "mqtt-sas": measure_mqtt_sas,
    "mqtt-x509": measure_mqtt_x509,
    "amqp-sas": measure_amqp_sas,
    "plain-http": measure_plain_http,
    **DEPLOYMENT_CASES,
    **CONTROL_CASES,
    "commits": measure_commits,
    "slow-disk": measure_slow_disk,
    "lookup": measure_lookup,
    "idle-memory": measure_idle_memory,
    "worker-memory": measure_worker_memory,
}
