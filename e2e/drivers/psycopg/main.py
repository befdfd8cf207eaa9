"""What psycopg (libpq) does to PostgreSQL, through whatever PGHOST names.

Prints a line for each check; ends with 1 if one failed.
"""

import hashlib
import sys
import threading

import psycopg


def queries(connection):
    for i in range(50):
        row = connection.execute("select %s + 1, %s::text", (i, "é'\\"), prepare=i % 2 == 0).fetchone()
        assert row == (i + 1, "é'\\"), row


def several_statements_at_once(connection):
    cursor = connection.execute("select 1; select 2, 3; create temp table s (x int)")
    assert cursor.fetchall() == [(1,)]
    assert cursor.nextset() and cursor.fetchall() == [(2, 3)]
    assert cursor.nextset() and cursor.statusmessage == "CREATE TABLE"


def a_pipeline(connection):
    connection.execute("create temp table p (x int primary key)")
    with connection.pipeline():
        for i in range(1000):
            connection.execute("insert into p values (%s)", (i,))
    try:
        with connection.pipeline():
            connection.execute("insert into p values (5000)")
            connection.execute("insert into p values (1)")
            connection.execute("insert into p values (5001)")
        raise AssertionError("a key that was there twice was taken")
    except psycopg.errors.UniqueViolation:
        connection.rollback()
    assert connection.execute("select count(*) from p").fetchone() == (1000,)


def server_side_cursors(connection):
    with connection.transaction(), connection.cursor("c") as cursor:
        cursor.execute("select generate_series(1, 10000)")
        cursor.itersize = 100
        assert sum(row[0] for row in cursor) == 50005000


def copy_both_ways(connection):
    connection.execute("create temp table copied (id bigint, body text)")
    body = "copy " * 10
    with connection.cursor() as cursor:
        with cursor.copy("copy copied from stdin") as copy:
            for i in range(100_000):
                copy.write_row((i, body))
        with cursor.copy("copy copied to stdout (format binary)") as copy:
            size = sum(len(data) for data in copy)
    assert size == 19 + 100_000 * (2 + 4 + 8 + 4 + len(body)) + 2, size
    try:
        with connection.cursor() as cursor, cursor.copy("copy copied from stdin") as copy:
            copy.write("1\t2\n")
            raise ValueError("the client gives up")
    except ValueError:
        pass
    assert connection.execute("select count(*) from copied").fetchone() == (100_000,)


def a_large_value(connection):
    sent = bytes([0, 1, 2, 255]) * (8 << 20)
    back = connection.execute("select %b::bytea", (sent,)).fetchone()[0]
    assert hashlib.md5(sent).digest() == hashlib.md5(back).digest()


def notices_and_errors(connection):
    seen = []
    connection.add_notice_handler(lambda notice: seen.append(notice.message_primary))
    connection.execute("do $$ begin raise notice 'look'; end $$")
    assert seen == ["look"], seen
    try:
        connection.execute("select 1 / 0")
        raise AssertionError("no error")
    except psycopg.errors.DivisionByZero as error:
        assert error.sqlstate == "22012"


def listen_and_notify(connection):
    with psycopg.connect("", autocommit=True) as other:
        connection.execute("listen news")
        other.execute("select pg_notify('news', 'hello')")
        notes = list(connection.notifies(timeout=10, stop_after=1))
    assert [note.payload for note in notes] == ["hello"], notes


def cancel(connection):
    threading.Timer(0.3, connection.cancel_safe).start()
    try:
        connection.execute("select pg_sleep(20)")
        raise AssertionError("it slept to the end")
    except psycopg.errors.QueryCanceled:
        pass


CHECKS = [
    queries,
    several_statements_at_once,
    a_pipeline,
    server_side_cursors,
    copy_both_ways,
    a_large_value,
    notices_and_errors,
    listen_and_notify,
    cancel,
]


def main():
    failed = False
    for check in CHECKS:
        name = check.__name__.replace("_", " ")
        try:
            with psycopg.connect("", autocommit=True) as connection:
                check(connection)
            print("ok", name, flush=True)
        except Exception as error:  # pylint: disable=broad-except  # each is told, the others go on
            failed = True
            print(f"FAILED {name}: {error!r}", flush=True)
    sys.exit(1 if failed else 0)


main()
