package dev.outrider.metrics.proxy.recorded;

import java.util.List;
import java.util.Locale;
import java.util.Random;

/** Makes up statements that Postgres takes, with values wherever there can be any. */
public final class StatementsWithValues {
  private static final String WORD = "qzxsekret";
  private static final String NUMBER = "83017465";
  private static final String GROUPED = "83_017_465";
  private static final String HEX = "5e7a1c9d4b";
  private static final String BITS = "1100101110100110";
  private static final String DAY = "1847-11-23";

  /** One of these is in each value. */
  private static final List<String> MARKS =
      List.of(WORD, NUMBER, "83_017", "830174.65", HEX, BITS, DAY);

  // {e} any value, {s} a string, {i} an integer, {n} a number, {w} a word of SET, {x} what may
  // stand
  // in quotes, {d} a day, {l} a length of time, {j} JSON, {a} an array, {b} bytes.
  private static final List<String> TEMPLATES =
      List.of(
          "select {e}, {e} as a, name from recorded where id = {i} or name like {s}",
          "select {e}; select {e}, {s}",
          "insert into recorded (id, name, data) values ({i}, {s}, {b}) on conflict do nothing",
          "insert into recorded values ({i}, {s}), ({i}, null) on conflict do nothing",
          "update recorded set name = {s} where id in ({i}, {i}, {i}) returning {e}",
          "update recorded set (name, data) = ({s}, {b}) where id = {i}",
          "delete from recorded where name = any (array[{s}, {s}]) or name = any ({a}) or id ="
              + " -{i}",
          "with x as (select {e} as a) select * from x where a::text <> {s} limit {i} offset {i}",
          "select case when name = {s} then {e} else null end from recorded"
              + " where id between {i} and {i}",
          "select coalesce(name, {s}) || {s}, cast({s} as text), {s}::varchar(50) from recorded"
              + " order by name <> {s}",
          "select {i} + -{i} - {i} * {i}::numeric, - {n}, @{n}, {n}::numeric(20, 3)",
          "select {j}::jsonb -> {s}, jsonb {j} @> {j}, {j}::json #>> {a}",
          "select date {d}, timestamp {d}, {d}::date, interval {l}, {l}::interval, date{d}",
          "select extract(year from date {d}), age(timestamp {d}, timestamp {d})",
          "select ({i}, {s}) = ({i}, {s}), row({s}, {n}), array[[{i}, {i}], [{i}, {i}]]",
          "values ({s}, {n}), ({s}, {n})",
          "select * from generate_series({i}, {i}) g where g in ({i}) and g not in ({i}, {i})",
          "select /* {x} */ {e} -- {x}\n from recorded /* a /* {x} */ b */ where true",
          "/* {x} */ select 1; -- {x}",
          "select substring({s} from 1 for {i}), position({s} in {s}), overlay({s} placing {s} from"
              + " 1)",
          "select {s} similar to {s} escape '!', {s} ilike {s}, {s} collate \"C\" < {s}",
          "select count(*) filter (where name = {s}) from recorded group by name having max(name) >"
              + " {s}",
          "select string_agg(name, {s} order by id) from recorded",
          "select * from (values ({i}, {s})) v (a, b) join recorded on name = b and id = {i}",
          "select name from recorded where exists (select {e} where id = {i}) fetch first {i} rows"
              + " only",
          "begin; declare c cursor for select {e}; fetch 1 from c; rollback",
          "prepare p as select {e}; execute p; deallocate p",
          "prepare q (text, int) as select $1, $2, {s}; execute q ({s}, {i}); deallocate q",
          "copy (select {e}, {s}) to stdout with (format csv, null {s}, header true)",
          "copy (select {s}) to stdout null {s}",
          "copy recorded (id, name) from stdin with (format csv, null {s})",
          "set my.setting = {s}",
          "set my.setting to {w}",
          "set session my.setting = {w}",
          "set my.setting = {w}, {w}",
          "begin; set local \"my.setting\" = {w}; rollback",
          "select set_config('my.setting', {s}, false)",
          "alter role replayer set my.setting = {s}",
          "alter role replayer set my.setting to {w}",
          "alter user replayer in database postgres set my.setting = {w}, {w}",
          "alter database postgres set my.setting = {w}",
          "alter database postgres set my.setting to {w}, {s}",
          "alter system set log_line_prefix = {s}",
          "alter system set log_line_prefix to {w}",
          "begin; create role zz login password {s} valid until {d}; rollback",
          "begin; alter role replayer connection limit 5 password {s}; rollback",
          "comment on table recorded is {s}",
          "do $x$ begin perform 'a {x}'; end $x$",
          "begin; create function f() returns text language sql as $f$ select 'a {x}' $f$;"
              + " rollback",
          "begin; create function f() returns text return {s}; rollback",
          "begin; create function f() returns text begin atomic select {s}; end; rollback",
          "begin; create function f(a text default {s}) returns text language sql"
              + " set my.setting = {w} as 'select 1::text'; alter function f set my.setting to {w};"
              + " rollback",
          "begin; create table t1 (a text default {s} check (a <> {s}), b int default {i});"
              + " rollback",
          "begin; create table t2 (a text) partition by list (a);"
              + " create table t3 partition of t2 for values in ({s}, {s}); rollback",
          "begin; create view v as select {e} as a, {s} as b; rollback",
          "begin; create index on recorded (id) where name = {s}; rollback",
          "begin; create type mood as enum ({s}); alter type mood rename to other; rollback",
          "begin; create domain d as text check (value <> {s}); rollback",
          "begin; create foreign data wrapper w; create server s foreign data wrapper w"
              + " options (host {s}); create user mapping for current_user server s"
              + " options (password {s}); rollback",
          "begin; alter table recorded add column c text default {s}; rollback",
          "begin; create policy p on recorded using (name = {s}); rollback",
          "notify news, {s}",
          "explain (costs off) select * from recorded where name = {s}",
          "merge into recorded r using (values ({i}, {s})) v (id, name) on r.id = v.id"
              + " when matched then update set name = {s} when not matched then do nothing",
          "begin; savepoint {w}; rollback to savepoint {w}; release {w}; rollback");

  // What Postgres refuses.
  private static final List<String> WRONG =
      List.of(
          "select {s} from nowhere",
          "selec {s}, {n}",
          "select 'it's a {x}'",
          "select {s} || 'never ends {x}",
          "select \"{x}\", {e}",
          "select {e} {e} {e} {x}",
          "insert into recorded values ({s})",
          "create subscription s connection {s} publication {w}",
          "set time zone {s}",
          "set transaction snapshot {s}",
          "select $q$ {x}");

  private final Random random;

  /** With this chance. */
  public StatementsWithValues(Random random) {
    this.random = random;
  }

  /** How many there are but for their values. */
  public static int kinds() {
    return TEMPLATES.size();
  }

  /** One that Postgres takes, of this kind, from 0. */
  public String taken(int kind) {
    return fill(TEMPLATES.get(kind));
  }

  /** One that Postgres refuses. */
  public String refused() {
    return fill(one(WRONG));
  }

  /** A value alone. */
  public String value() {
    return inQuotes();
  }

  /** The value that is shown in a text; empty if none is. */
  public static String shown(String text) {
    String lower = text.toLowerCase(Locale.ROOT);
    return MARKS.stream().filter(lower::contains).findFirst().orElse("");
  }

  private <T> T one(List<T> of) {
    return of.get(random.nextInt(of.size()));
  }

  private String fill(String template) {
    StringBuilder sql = new StringBuilder();
    int at = 0;
    for (int open = template.indexOf('{'); open >= 0; open = template.indexOf('{', at)) {
      sql.append(template, at, open).append(filled(template.charAt(open + 1)));
      at = open + 3;
    }
    return sql.append(template.substring(at)).toString();
  }

  private String filled(char what) {
    return switch (what) {
      case 'e' -> any();
      case 's' -> string(inQuotes());
      case 'i' -> integer();
      case 'n' -> number();
      case 'w' -> one(List.of(WORD, WORD + "_1", WORD.toUpperCase(Locale.ROOT) + "$"));
      case 'x' -> WORD + one(List.of("", " ; select 1", " -- ", " $1", " \" b", " ) ("));
      case 'd' -> string(DAY);
      case 'l' -> string(NUMBER + one(List.of(" seconds", "", " minutes 3.5 seconds")));
      case 'j' -> string("{\"" + WORD + "\": [" + NUMBER + ", \"" + WORD + "\"]}");
      case 'a' -> string("{" + WORD + ",\"a " + WORD + "\"}") + "::text[]";
      case 'b' ->
          one(
              List.of(
                  "'\\x" + HEX + "'::bytea",
                  "E'\\\\x" + HEX + "'",
                  "decode('" + HEX + "', 'hex')"));
      default -> throw new IllegalArgumentException("template: " + what);
    };
  }

  private String inQuotes() {
    return one(
        List.of(
            WORD,
            WORD.toUpperCase(Locale.ROOT),
            "a " + WORD + " b",
            WORD + " é ü \\",
            "\"" + WORD + "\" -- no comment",
            "/* " + WORD + " */; select",
            "it's " + WORD + ", isn't it",
            "$1 " + WORD + " $$ $2",
            NUMBER,
            "mail@" + WORD + ".example"));
  }

  private String any() {
    return switch (random.nextInt(8)) {
      case 0 -> integer();
      case 1 -> number();
      case 2 -> "-" + number();
      case 3 -> "B'" + BITS + "'";
      case 4 -> "X'" + HEX + "'";
      case 5 -> string(inQuotes()) + one(List.of("::text", "::varchar (99)", ""));
      case 6 -> "array[" + integer() + ", " + integer() + "]";
      default -> string(inQuotes());
    };
  }

  private String integer() {
    return one(List.of(NUMBER, GROUPED, NUMBER + "::int", "(" + NUMBER + ")"));
  }

  private String number() {
    return one(
        List.of(
            NUMBER,
            "830174.65",
            "." + NUMBER,
            NUMBER + ".",
            NUMBER + "e-2",
            "830174.65E+3",
            "0x" + HEX,
            "0b" + BITS,
            GROUPED));
  }

  /** A value as any kind of constant that is a string. */
  private String string(String value) {
    String doubled = value.replace("'", "''");
    return switch (random.nextInt(9)) {
      case 0 -> "E'" + doubled.replace("\\", "\\\\") + "'";
      case 1 -> "E'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'";
      case 2 -> "U&'" + doubled.replace("\\", "\\\\") + "'";
      case 3 -> "U&'" + doubled + "' uescape '!'";
      case 4 -> value.contains("$") ? "$q1$" + value + "$q1$" : "$$" + value + "$$";
      case 5 -> "$q$" + value + "$q$";
      case 6 -> "'" + doubled.replaceFirst(" ", " '\n  '") + "'";
      default -> "'" + doubled + "'";
    };
  }
}
