// What pgx does to PostgreSQL, through whatever PGHOST names. Prints a line for each check; ends with 1 if one failed.
package main

import (
	"bytes"
	"context"
	"crypto/md5"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

type check struct {
	name string
	run  func(context.Context, *pgx.Conn) error
}

var modes = map[string]pgx.QueryExecMode{
	"cached statements": pgx.QueryExecModeCacheStatement,
	"cached describes":  pgx.QueryExecModeCacheDescribe,
	"describe each":     pgx.QueryExecModeDescribeExec,
	"unnamed":           pgx.QueryExecModeExec,
	"simple protocol":   pgx.QueryExecModeSimpleProtocol,
}

var checks = []check{
	{"queries in every mode", func(ctx context.Context, c *pgx.Conn) error {
		for name, mode := range modes {
			for i := 0; i < 50; i++ {
				var number int
				var text string
				if err := c.QueryRow(ctx, "select $1::int + 1, $2::text", mode, i, "é'\\").Scan(&number, &text); err != nil {
					return fmt.Errorf("%s: %w", name, err)
				}
				if number != i+1 || text != "é'\\" {
					return fmt.Errorf("%s: got %d and %q", name, number, text)
				}
			}
		}
		return nil
	}},
	{"transactions", func(ctx context.Context, c *pgx.Conn) error {
		if _, err := c.Exec(ctx, "create temp table t (x int)"); err != nil {
			return err
		}
		for _, commit := range []bool{true, false} {
			tx, err := c.Begin(ctx)
			if err != nil {
				return err
			}
			if _, err := tx.Exec(ctx, "insert into t values (1)"); err != nil {
				return err
			}
			end := tx.Rollback
			if commit {
				end = tx.Commit
			}
			if err := end(ctx); err != nil {
				return err
			}
		}
		var rows int
		if err := c.QueryRow(ctx, "select count(*) from t").Scan(&rows); err != nil {
			return err
		}
		if rows != 1 {
			return fmt.Errorf("%d rows", rows)
		}
		return nil
	}},
	{"a pipeline with an error in the middle", func(ctx context.Context, c *pgx.Conn) error {
		batch := &pgx.Batch{}
		batch.Queue("select 1")
		batch.Queue("select 1 / $1::int", 0)
		batch.Queue("select 3")
		results := c.SendBatch(ctx, batch)
		var one int
		if err := results.QueryRow().Scan(&one); err != nil || one != 1 {
			return fmt.Errorf("the first: %d, %w", one, err)
		}
		err := results.QueryRow().Scan(&one)
		var failure *pgconn.PgError
		if !errors.As(err, &failure) || failure.Code != "22012" {
			return fmt.Errorf("the second: %w", err)
		}
		_ = results.Close()
		return c.QueryRow(ctx, "select 4").Scan(&one)
	}},
	{"copy in and out", func(ctx context.Context, c *pgx.Conn) error {
		if _, err := c.Exec(ctx, "create temp table copied (id bigint, body text)"); err != nil {
			return err
		}
		const rows = 200_000
		body := strings.Repeat("copy ", 10)
		count, err := c.CopyFrom(ctx, pgx.Identifier{"copied"}, []string{"id", "body"},
			pgx.CopyFromSlice(rows, func(i int) ([]any, error) { return []any{int64(i), body}, nil }))
		if err != nil || count != rows {
			return fmt.Errorf("%d rows copied in, %w", count, err)
		}
		var out bytes.Buffer
		tag, err := c.PgConn().CopyTo(ctx, &out, "copy copied to stdout")
		if err != nil || tag.RowsAffected() != rows || bytes.Count(out.Bytes(), []byte("\n")) != rows {
			return fmt.Errorf("%d rows copied out, %w", tag.RowsAffected(), err)
		}
		if _, err := c.PgConn().CopyFrom(ctx, strings.NewReader("1\n"), "copy copied from stdin"); err == nil {
			return errors.New("a line with too few columns was taken")
		}
		var one int
		return c.QueryRow(ctx, "select 1").Scan(&one)
	}},
	{"a value of 32 MiB", func(ctx context.Context, c *pgx.Conn) error {
		sent := bytes.Repeat([]byte{0, 1, 2, 255}, 8<<20)
		var back []byte
		if err := c.QueryRow(ctx, "select $1::bytea", sent).Scan(&back); err != nil {
			return err
		}
		if md5.Sum(sent) != md5.Sum(back) {
			return errors.New("it came back changed")
		}
		return nil
	}},
	{"listen and notify", func(ctx context.Context, c *pgx.Conn) error {
		other, err := pgx.Connect(ctx, "")
		if err != nil {
			return err
		}
		defer other.Close(ctx)
		if _, err := c.Exec(ctx, "listen news"); err != nil {
			return err
		}
		if _, err := other.Exec(ctx, "select pg_notify('news', 'hello')"); err != nil {
			return err
		}
		waiting, stop := context.WithTimeout(ctx, 10*time.Second)
		defer stop()
		note, err := c.WaitForNotification(waiting)
		if err != nil || note.Payload != "hello" {
			return fmt.Errorf("got %v, %w", note, err)
		}
		return nil
	}},
	{"cancel", func(ctx context.Context, c *pgx.Conn) error {
		soon := time.AfterFunc(300*time.Millisecond, func() { _ = c.PgConn().CancelRequest(ctx) })
		defer soon.Stop()
		_, err := c.Exec(ctx, "select pg_sleep(20)")
		var failure *pgconn.PgError
		if !errors.As(err, &failure) || failure.Code != "57014" {
			return fmt.Errorf("got %w", err)
		}
		return nil
	}},
}

func main() {
	ctx, stop := context.WithTimeout(context.Background(), 2*time.Minute)
	defer stop()
	failed := false
	for _, check := range checks {
		connection, err := pgx.Connect(ctx, "")
		if err == nil {
			err = check.run(ctx, connection)
			_ = connection.Close(ctx)
		}
		if err != nil {
			failed = true
			fmt.Printf("FAILED %s: %v\n", check.name, err)
		} else {
			fmt.Printf("ok %s\n", check.name)
		}
	}
	if failed {
		os.Exit(1)
	}
}
