// What node-postgres does to PostgreSQL, through whatever PGHOST names. Prints a line for each check; ends with 1 if one
// failed.
import assert from "node:assert";
import { readFileSync } from "node:fs";
import { pipeline } from "node:stream/promises";
import { Readable, Writable } from "node:stream";
import pg from "pg";
import { from as copyFrom, to as copyTo } from "pg-copy-streams";

// It knows PGHOST and its like, but of PGSSLMODE only whether it is there.
function tls() {
  const mode = process.env.PGSSLMODE ?? "disable";
  if (mode === "disable") return false;
  return mode === "require"
    ? { rejectUnauthorized: false }
    : { ca: readFileSync(process.env.PGSSLROOTCERT, "utf8"), servername: process.env.SERVER_NAME };
}

async function connected(work) {
  const client = new pg.Client({ ssl: tls(), host: process.env.PGHOSTADDR ?? process.env.PGHOST });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

const checks = {
  async "queries, named and not"(client) {
    for (let i = 0; i < 50; i++) {
      const query = { text: "select $1::int + 1 as n, $2::text as t", values: [i, "é'\\"] };
      if (i % 2) query.name = "again";
      const { rows } = await client.query(query);
      assert.deepEqual(rows, [{ n: i + 1, t: "é'\\" }]);
    }
  },
  async "several statements at once"(client) {
    const results = await client.query("select 1 as a; select 2 as b");
    assert.deepEqual(results.map((r) => r.rows[0]), [{ a: 1 }, { b: 2 }]);
  },
  async "many queries without waiting"(client) {
    const answers = await Promise.all(
      [...Array(200).keys()].map((i) => client.query("select $1::int as n", [i])),
    );
    assert.deepEqual(answers.map((a) => a.rows[0].n), [...Array(200).keys()]);
  },
  async "errors, and going on after them"(client) {
    await assert.rejects(client.query("select 1 / $1::int", [0]), { code: "22012" });
    await assert.rejects(client.query("selec"), { code: "42601" });
    assert.equal((await client.query("select 1 as x")).rows[0].x, 1);
  },
  async "copy in and out"(client) {
    await client.query("create temp table copied (id bigint, body text)");
    const line = "copy ".repeat(10);
    const lines = Readable.from(
      (function* () {
        for (let i = 0; i < 100_000; i++) yield `${i}\t${line}\n`;
      })(),
    );
    await pipeline(lines, client.query(copyFrom("copy copied from stdin")));
    let bytes = 0;
    await pipeline(
      client.query(copyTo("copy copied to stdout")),
      new Writable({
        write(chunk, _, done) {
          bytes += chunk.length;
          done();
        },
      }),
    );
    assert.equal(bytes, 488_890 + 100_000 * (line.length + 2));
  },
  async "listen and notify"(client) {
    const heard = new Promise((resolve) => client.on("notification", resolve));
    await client.query("listen news");
    await connected((other) => other.query("select pg_notify('news', 'hello')"));
    assert.equal((await heard).payload, "hello");
  },
  async "cancel"(client) {
    const sleep = client.query("select pg_sleep(20)");
    setTimeout(() => {
      const other = new pg.Client({ ssl: tls() });
      other.connection.once("connect", () => other.connection.cancel(client.processID, client.secretKey));
      other.connection.connect(Number(process.env.PGPORT), process.env.PGHOSTADDR ?? process.env.PGHOST);
    }, 300);
    await assert.rejects(sleep, { code: "57014" });
  },
};

let failed = false;
for (const [name, check] of Object.entries(checks)) {
  try {
    await connected(check);
    console.log("ok", name);
  } catch (error) {
    failed = true;
    console.log(`FAILED ${name}: ${error}`);
  }
}
process.exit(failed ? 1 : 0);
