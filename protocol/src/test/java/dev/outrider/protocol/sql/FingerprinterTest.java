package dev.outrider.protocol.sql;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeout;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.outrider.protocol.Fuzz;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class FingerprinterTest {
  private static final String TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

  private final Fingerprinter fingerprinter = new Fingerprinter();

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "SELECT  a ,b FROM  T where x=-5 and y<>'it''s' -- c"
            + " | select a, b from t where x = $1 and y <> $2",
        "select count( * ),t.* ,- x,a-5,a - -5,2*-3 | select count(*), t.*, -x, a - $1, a - $2, $3"
            + " * $4",
        "select $3, 5, $1 | select $3, $4, $1",
        "select * from t where a in (1,2,3) and b IN (1) | select * from t where a in ($1 /*, ..."
            + " */) and b in ($2)",
        "a in ($1,$2) or b in (1, x) | a in ($3 /*, ... */) or b in ($4, x)",
        "a = any(array[1,2]) or array[[1,2],[3]] | a = any (array[$1 /*, ... */]) or array[[$2 /*,"
            + " ... */], [$3]]",
        "a in (1::int,2::numeric(3,2), cast(4 as double precision)) | a in ($1 /*, ... */)",
        "a in (date '2000-01-01', 'x'::timestamp with time zone, -1, null) | a in ($1 /*, ... */)",
        "a in (1, f(2)) | a in ($1, f($2))",
        "a in (select 1, 2) | a in (select $1, $2)",
        "x::numeric(10,2), cast(5 as int), a[1:2] | x::numeric($1, $2), cast($3 as int), a[$4:$5]",
        "insert into t (a,b) values (1,null),(2,true) | insert into t(a, b) values ($1, $2), ($3,"
            + " $4)",
        "create table t (a int not null default null) | create table t(a int not null default $1)",
        "not null | not $1",
        "a is null, b is not null, c is not true, not true, d = null"
            + " | a is null, b is not null, c is not true, not $1, d = $2",
        "t.null, t.in (1,2) | t.null, t.in($1, $2)",
        "E'a\\'b', U&'\\0041', B'01', X'1F', n'x' | $1, $2, $3, $4, n $5",
        "$$a$b$$, $x$ $$ $x$, $é$;$é$ | $1, $2, $3",
        "0x1F, 0b1, 0o7, 1_000, 1e-5, .5, 1., 1.5e+3, 123abc | $1, $2, $3, $4, $5, $6, $7, $8, $9",
        "1..10 | $1 .. $2",
        "select 'a' -- c | select $1",
        "select /* a /* b */ c */ 1 | select $1",
        "a->>'b', a@>'{}', a !=5, a=-1, a=@-1, a<-1"
            + " | a ->> $1, a @> $2, a <> $3, a = $4, a =@- $5, a < $6",
        "\"Foo\"\"Bar\" . \"select\", Ünïcode | \"Foo\"\"Bar\".\"select\", Ünïcode",
        "case when a then -1 else - 2 end - 3, current_date - 5"
            + " | case when a then $1 else $2 end - $3, current_date - $4",
        "f(a => 1, b := 2) | f(a => $1, b := $2)",
        "set work_mem = '4MB' | set work_mem = $1",
        "SET search_path TO a, b | set search_path to $1",
        "SET \"app.token\" = abc123 | set \"app.token\" = $1",
        "SET \"app.token\" TO 'x', y | set \"app.token\" to $1",
        "set local my.secret to hunter2 | set local my.secret to $1",
        "set role admin | set role $1",
        "set transaction isolation level serializable | set transaction isolation level"
            + " serializable",
        "alter role r in database d set my.secret to hunter2, 'x', \"Y\" | alter role r in database"
            + " d set my.secret to $1, $2, $3",
        "alter database d set a = -5 | alter database d set a = $1",
        "alter system set a to on | alter system set a to $1",
        "alter role r set a from current | alter role r set a from current",
        "alter table t set schema s, alter c set default d | alter table t set schema s, alter c"
            + " set default d",
        "create function f() returns int set a = b, c set d to e language sql return a"
            + " | create function f() returns int set a = $1, $2 set d to $3 language sql return a",
        "savepoint sp_12345 | savepoint $1",
        "rollback to savepoint sp_12345 | rollback to savepoint $1",
        "update t set a = 5 | update t set a = $1",
        "select extract(year from d) | select extract($1 from d)",
        "limit all | limit $1",
        "date'2000-01-01' | date $1",
        "date$1 | date $1",
        "tab$1 | tab$1",
        "'never ends | $1",
        "\"never ends | $1",
        "$x$ never ends | $1",
        "\\ { } ~ | ? ? ? ~",
      })
  void takesTheValuesOut(String sql, String text) {
    assertEquals(List.of(text), texts(sql));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "CREATE ROLE x LOGIN PASSWORD 'hunter2'",
        "create user x encrypted password E'hunter2' valid until 'hunter2'",
        "alter role x password hunter2",
        "alter user x password \"hunter2\"",
        "ALTER GROUP x PASSWORD $$hunter2$$",
        "create subscription s connection 'password=hunter2' publication p",
        "alter subscription s connection hunter2",
        "create user mapping for x server s options (password 'hunter2')",
        "set my.secret = hunter2, hunter2",
        "alter role x password 'hunter2",
        "copy t from program 'curl -u hunter2'",
        "do 'hunter2'",
        "select /* hunter2 */ 1 -- hunter2",
        "select 1 as a, 'x'\n-- c\n'hunter2'",
        "select U&'hunter2' uescape '!', N'hunter2', E'\\'hunter2', $h$hunter2$h$",
      })
  void tellsNoSecret(String sql) {
    for (String text : texts(sql)) {
      assertFalse(text.contains("hunter2"), text);
    }
  }

  @Test
  void backslashesCountIfTheSessionSaysSo() {
    assertEquals(List.of("select $1, b $2"), texts("select 'a\\', b '"));
    fingerprinter.standardConformingStrings(false);
    assertEquals(List.of("select $1"), texts("select 'a\\', b '"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "select 'a\\' | true",
        "select n'a\\', 'b' | true",
        "select 'a\\'' b' | true",
        "select 'a' 'b\\c', '\\' | true",
        "select 'a\\b' | false",
        "select E'a\\'b', U&'a\\', $$\\'$$, \"a\\\" /* \\' */ | false",
        "select a\\'b' | false",
      })
  void tellsWhetherTheSettingOfStringsMatters(String sql, boolean matters) {
    for (boolean on : new boolean[] {true, false}) {
      fingerprinter.standardConformingStrings(on);
      texts(sql);
      assertEquals(matters, fingerprinter.hangsOnStandardStrings(), sql + " " + on);
    }
  }

  @Test
  void tellsWhetherTheEncodingMatters() {
    texts("select 'é', 'a\\', 'ü\"', é1, éa");
    assertFalse(fingerprinter.hangsOnEncoding());
    texts("select 'é\\'");
    assertTrue(fingerprinter.hangsOnEncoding());
  }

  @Test
  void statementsAreToldApart() {
    assertEquals(List.of(), texts(""));
    assertEquals(List.of(), texts(" ; -- x\n ;;"));
    assertEquals(List.of("select $1", "select a"), texts("select 1;; select a;"));
    assertEquals(
        List.of("create rule r as on insert to t do(select $1; select $2)", "select $1"),
        texts("create rule r as on insert to t do (select 1; select 2); select 3"));
    assertEquals(
        List.of(
            "create or replace function f() returns int begin atomic select $1;"
                + " select case when $2 then $3 end; end",
            "select $1"),
        texts(
            "create or replace function f() returns int begin atomic select 1;"
                + " select case when true then 1 end; end; select 2"));
    assertEquals(List.of("begin", "end", "commit"), texts("begin; end; commit"));
    assertEquals(List.of("select $2, $1", "select $1"), texts("select 5, $1; select 'x'"));
  }

  @Test
  void readsTheTraceparentOfAComment() {
    String comment = "/*action='x',traceparent='" + TRACE + "',tracestate='y'*/";
    for (String sql :
        List.of(
            "select 1 " + comment,
            comment + " select 1",
            "select 1; " + comment,
            "-- traceparent='" + TRACE + "'\nselect 1")) {
      assertEquals(List.of("select $1"), texts(sql));
      assertEquals(TRACE, String.valueOf(fingerprinter.traceparent(0)), sql);
      assertTrue(fingerprinter.isTraced(), sql);
    }
    for (String sql :
        List.of(
            "select 1",
            "select " + comment + " 1",
            "select '" + comment.replace("'", "''") + "'",
            "select 1 " + comment.replace("00-", "ff-"),
            "select 1 " + comment.replace("0af7", "0AF7"),
            "select 1 /*traceparent='00-" + "0".repeat(32) + "-b7ad6b7169203331-01'*/",
            "select 1 /*traceparent='00-0af7")) {
      texts(sql);
      assertNull(fingerprinter.traceparent(0), sql);
    }
    // Given
    texts("select 1; select 2 " + comment + "; select 3");

    // Then
    assertNull(fingerprinter.traceparent(0));
    assertEquals(TRACE, String.valueOf(fingerprinter.traceparent(1)));
    assertNull(fingerprinter.traceparent(2));
  }

  @Test
  void aCommentAtTheEndIsNoPartOfTheTextsHash() {
    String other = TRACE.replace('1', '2');
    // Given
    texts("select 'a''b' /*traceparent='" + TRACE + "'*/");
    long hash = fingerprinter.textHash();
    assertTrue(fingerprinter.holdsForHash());

    // When
    texts("select 'a''b' /*traceparent='" + other + "'*/");

    // Then
    assertEquals(hash, fingerprinter.textHash());
    assertEquals(other, String.valueOf(fingerprinter.lastTraceparent()));
    texts("select 'a''c' /*traceparent='" + TRACE + "'*/");
    assertNotEquals(hash, fingerprinter.textHash());
    texts("select 'a''b' ");
    assertNotEquals(hash, fingerprinter.textHash());
    assertNull(fingerprinter.lastTraceparent());
  }

  @Test
  void aTextThatWillNotComeAgainHoldsForNoHash() {
    String trace = "traceparent='" + TRACE + "'";
    for (String sql :
        List.of(
            "select 'x /*" + trace.replace("'", "''") + "*/",
            "select 1 -- /*" + trace + "*/",
            "select $a$ /* $a$, 2 /* /* */",
            "/*" + trace + "*/ select 1",
            "select /*" + trace + "*/ 1",
            "select 1 /*" + trace + "*/; select 2 /*x='y'*/")) {
      texts(sql);
      assertFalse(fingerprinter.holdsForHash(), sql);
    }
    for (String sql :
        List.of(
            "select 1",
            "select 1/**/",
            "select '/*x*/' /* y */",
            "select 1 /* a /* b */ c */",
            "select 1 /*\u00e9*/",
            "select */*x*/")) {
      texts(sql);
      assertTrue(fingerprinter.holdsForHash(), sql);
    }
  }

  @Test
  void textsWithTheSameHashReadTheSame() {
    // Given
    Random random = new Random(7);
    String[] pieces = {
      "select", " 1", "'", "''", "$a$", "$$", "/*", "*/", "--", "\n", "\\", "\"", ";", "e'", "-",
      "/", "*"
    };
    Map<Long, List<String>> known = new TreeMap<>();
    for (int i = 0; i < 20_000; i++) {
      StringBuilder sql = new StringBuilder();
      for (int j = random.nextInt(6); j >= 0; j--) {
        sql.append(pieces[random.nextInt(pieces.length)]);
      }
      // When
      for (String comment : List.of("", "/*a=1*/", "/*b='x''y'*/", "/*c;--$a$*/")) {
        List<String> texts = texts(sql + comment);
        if (fingerprinter.holdsForHash()) {
          known.putIfAbsent(fingerprinter.textHash(), texts);
        }

        // Then
        List<String> before = known.get(fingerprinter.textHash());
        assertTrue(before == null || before.equals(texts), sql + comment);
      }
    }
  }

  @Test
  void differentStatementsHaveDifferentHashes() {
    Map<Long, String> seen = new TreeMap<>();
    for (String sql :
        List.of(
            "select a",
            "select b",
            "select a.b",
            "select a, b",
            "select \"a\"",
            "select a b",
            "select a + 1",
            "select a - 1",
            "select f(1)",
            "select f(1, 2)",
            "a in (1)",
            "a in (1, 2)",
            "a is null",
            "a = 1",
            "\"A\"",
            "select 1, 2",
            "select 1 2")) {
      fingerprinter.read(buffer(sql));
      assertNull(seen.put(fingerprinter.hash(0), sql), sql);
    }
  }

  static Stream<String> shownByPgStatStatements() throws IOException {
    try (BufferedReader in =
        new BufferedReader(
            new InputStreamReader(
                Objects.requireNonNull(
                    FingerprinterTest.class.getResourceAsStream("pg_stat_statements-18.tsv")),
                StandardCharsets.UTF_8))) {
      return in.lines().filter(line -> !line.startsWith("#")).toList().stream();
    }
  }

  @ParameterizedTest
  @MethodSource("shownByPgStatStatements")
  void whatPgStatStatementsShowsIsTheSame(String line) {
    // Given
    List<String> columns = List.of(line.replace("\\n", "\n").split("\t", -1));

    // Then
    Map<Long, String> shown = new TreeMap<>();
    columns.subList(1, columns.size()).forEach(text -> shown.putAll(read(text)));
    Map<Long, String> sent = read(columns.get(0));
    assertEquals(shown.keySet(), sent.keySet(), () -> sent + " " + shown);
  }

  @Test
  void onlyValuesSpaceAndCommentsMayDiffer() {
    Random random = Fuzz.random("FingerprinterTest");
    for (int round = 0; round < 20_000; round++) {
      // Given
      List<String> tokens = statement(random);

      // When
      String one = written(tokens, random);
      String other = written(tokens, random);
      Map<Long, String> first = read(one);
      Map<Long, String> second = read(other);

      // Then
      assertEquals(first, second, () -> one + "\n" + other);
      assertEquals(1, first.size(), one);
      String text = first.values().iterator().next();
      String lower = text.toLowerCase(Locale.ROOT);
      assertFalse(lower.contains("s3cr3t") || lower.contains("98765"), () -> one + "\n" + text);
      assertEquals(first.keySet(), read(text).keySet(), () -> one + "\n" + text);
    }
  }

  @Test
  void anyBytesAreTaken() {
    Random random = Fuzz.random("FingerprinterTest");
    Fingerprinter small = new Fingerprinter(200, 64);
    String[] parts = {
      "'",
      "\"",
      "$",
      "$x$",
      "--",
      "/*",
      "*/",
      "(",
      ")",
      "[",
      "]",
      ";",
      "\\",
      "e'",
      "u&",
      "in (",
      "array[",
      "1",
      ",",
      "::",
      "cast(",
      "-",
      "\n",
      "create function ",
      "begin ",
      "end ",
      "set x=",
      "null",
      "a",
      "$1",
      "\0",
      "é",
      ".",
      "/*, ... */"
    };
    for (int round = 0; round < 100_000; round++) {
      ByteBuf sql = Unpooled.buffer();
      for (int i = random.nextInt(60); i > 0; i--) {
        if (random.nextInt(10) == 0) {
          sql.writeByte(random.nextInt(256));
        } else {
          sql.writeCharSequence(parts[random.nextInt(parts.length)], StandardCharsets.UTF_8);
        }
      }
      int statements = small.read(sql);
      assertEquals(0, sql.readerIndex());
      for (int i = 0; i < statements; i++) {
        assertTrue(!small.text(i).isEmpty() || small.isTruncated(i));
      }
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "+",
        "-",
        "(",
        "[",
        "'",
        "\"",
        "$a",
        "$a$",
        "/*",
        "a",
        ";",
        "a;",
        "1,",
        "in (1,",
        "array[",
        "x'\n",
        "e'\\",
        "$",
        ".",
        "é",
        "=-",
        "traceparent='",
        "/*traceparent='*/",
        "a=1 "
      })
  void workIsBoundedWhateverTheText(String part) {
    String sql = part.repeat((2 << 20) / part.length());
    ByteBuf text = buffer(sql);
    assertTimeout(Duration.ofSeconds(5), () -> fingerprinter.read(text));
    assertTrue(fingerprinter.hasMore());
    assertTrue(fingerprinter.statements() <= Fingerprinter.MAX_STATEMENTS);
    for (int i = 0; i < fingerprinter.statements(); i++) {
      assertTrue(fingerprinter.text(i).length() <= 4 * Fingerprinter.DEFAULT_MAX_TEXT);
    }
  }

  @Test
  void aLongStatementIsCutAndSaysSo() {
    // Given
    String row = "(1, 'x'), ";

    // Then
    Map<Long, String> some = read("insert into t values " + row.repeat(5_000) + "(1, 'x')");
    assertTrue(fingerprinter.isTruncated(0));
    assertFalse(fingerprinter.hasMore());
    Map<Long, String> more = read("insert into t values " + row.repeat(9_000) + "(1, 'x'); ");
    assertEquals(some, more);
    assertEquals(List.of("a in ($1 /*, ... */)"), texts("a in (" + "1, ".repeat(90_000) + "1)"));
    assertFalse(fingerprinter.isTruncated(0));
    texts("select '" + "x".repeat(100_000) + "'");
    assertFalse(fingerprinter.isTruncated(0));
  }

  @Test
  void aTextBeyondTheLimitKeepsItsHashWhateverItsValues() {
    // Given
    Fingerprinter small = new Fingerprinter(4096, 4096);
    String sql = "insert into t values " + "('%s'), ".repeat(400);

    // When
    small.read(buffer(sql.replace("%s", "abcdef")));
    long hash = small.hash(0);
    int length = small.text(0).length();
    small.read(buffer(sql.replace("%s", "abcdefgh")));

    // Then
    assertEquals(hash, small.hash(0));
    assertNotEquals(length, small.text(0).length());
    assertTrue(small.isTruncated(0));
    assertTrue(small.hasMore());
  }

  @Test
  void namesAreCutAsPostgresCutsThem() {
    String name = "n".repeat(63);
    assertEquals(List.of("select " + name), texts("select " + name + "more"));
    assertEquals(List.of("select " + "n".repeat(62)), texts("select " + "n".repeat(62) + "ää"));
  }

  @Test
  void limitsAreChecked() {
    assertThrows(IllegalArgumentException.class, () -> new Fingerprinter(0, 64));
    assertThrows(IllegalArgumentException.class, () -> new Fingerprinter(1, 63));
    assertThrows(IndexOutOfBoundsException.class, () -> fingerprinter.hash(0));
  }

  private static final String LITERAL = "?";

  private static List<String> statement(Random random) {
    String[] starts = {"select", "insert into t values", "select * from t where a =", "with x as"};
    String[] between = {
      ",",
      "=",
      "+",
      "->>",
      "||",
      "and",
      "or not",
      "is distinct from",
      "@>",
      "in (",
      "(",
      ")",
      "array[",
      "]",
      "::int ,",
      ", f(",
      "between",
      "case when",
      "then",
      "as x ,",
      ". b ,",
      "\"qQ\" ,"
    };
    List<String> tokens =
        new ArrayList<>(Arrays.asList(starts[random.nextInt(starts.length)].split(" ", -1)));
    for (int i = 1 + random.nextInt(12); i > 0; i--) {
      tokens.add(LITERAL);
      tokens.addAll(Arrays.asList(between[random.nextInt(between.length)].split(" ", -1)));
    }
    return tokens;
  }

  private static String written(List<String> tokens, Random random) {
    StringBuilder sql = new StringBuilder();
    String[] spaces = {" ", "\n", "\t", " -- 's3cr3t\n", " /* s3cr3t ' /* \" */ */ ", "   "};
    for (String token : tokens) {
      String form = token.equals(LITERAL) ? literal(random) : token;
      boolean word = Character.isLetter(token.charAt(0));
      sql.append(word && random.nextBoolean() ? form.toUpperCase(Locale.ROOT) : form);
      sql.append(spaces[random.nextInt(spaces.length)]);
    }
    return sql.toString();
  }

  private static String literal(Random random) {
    String[] values = {"s3cr3t", "S3cr3t; '' \" -- /*", "", "it''s3cr3t", "$1 s3cr3t"};
    String value = values[random.nextInt(values.length)];
    return switch (random.nextInt(12)) {
      case 0 -> "E'" + value + "\\'s3cr3t\\\\'";
      case 1 -> "U&'" + value + "\\0041'";
      case 2 -> "$$" + value + "$$";
      case 3 -> "$t$" + value + "$$ $ t$ $t$";
      case 4 -> "987654321";
      case 5 -> "0x98765abc";
      case 6 -> "98765_4321.98765e-5";
      case 7 -> ".98765";
      case 8 -> "B'10' ";
      case 9 -> random.nextBoolean() ? "null" : "TRUE";
      case 10 -> "'" + value + "' -- c\n '" + value + "'";
      default -> "'" + value + "'";
    };
  }

  private Map<Long, String> read(String sql) {
    Map<Long, String> read = new TreeMap<>();
    int statements = fingerprinter.read(buffer(sql));
    for (int i = 0; i < statements; i++) {
      read.put(fingerprinter.hash(i), fingerprinter.text(i));
    }
    return read;
  }

  private List<String> texts(String sql) {
    int statements = fingerprinter.read(buffer(sql));
    List<String> texts = new ArrayList<>();
    for (int i = 0; i < statements; i++) {
      texts.add(fingerprinter.text(i));
    }
    return texts;
  }

  private static ByteBuf buffer(String sql) {
    return Unpooled.copiedBuffer(sql, StandardCharsets.UTF_8);
  }
}
