from homeport.customer_data.inventory import (
    COLUMNS,
    SINKS,
    Column,
    DataClass,
    Erasure,
    Export,
    FoundBy,
    Retention,
    columns_of,
)


def test_no_column_is_listed_twice() -> None:
    names = [(column.table, column.name) for column in COLUMNS]
    assert len(names) == len(set(names))


def test_every_personal_column_can_be_found_and_erased() -> None:
    for column in COLUMNS:
        if column.is_personal:
            assert column.found_by is not FoundBy.NOTHING, column
            assert column.erasure is not Erasure.NOT_NEEDED, column
            assert column.export is not Export.NONE, column


def test_no_credential_leaves_in_an_export() -> None:
    credentials = [column for column in COLUMNS if column.data_class is DataClass.CREDENTIAL]
    assert {column.table for column in credentials} == {"individual_enrollments", "hub_devices", "tpm_challenges"}
    assert {column.export for column in credentials} == {Export.FINGERPRINT}


def test_sealed_columns_are_exported_by_nobody_as_they_are() -> None:
    assert Export.VALUE not in {column.export for column in COLUMNS if column.name == "sealed_keys"}


def test_an_impersonal_column_says_so() -> None:
    column = Column(
        table="t",
        name="c",
        data_class=DataClass.NOT_PERSONAL,
        purpose="p",
        found_by=FoundBy.NOTHING,
        export=Export.NONE,
        erasure=Erasure.NOT_NEEDED,
        retention=Retention.DEPLOYMENT,
    )
    assert not column.is_personal


def test_the_audit_log_is_kept_and_unlinked() -> None:
    personal = [column for column in columns_of("audit") if column.is_personal]
    assert [column.name for column in personal] == ["body"]
    assert personal[0].erasure is Erasure.MAPPING


def test_the_places_outside_the_tables_are_listed() -> None:
    assert {sink.name for sink in SINKS} == {
        "log",
        "metrics",
        "embedded hub's memory of its node",
        "write-ahead log of the database",
        "deleted rows of a PostgreSQL database",
        "unfinished copy into a PostgreSQL database",
    }
