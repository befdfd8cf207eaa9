package dev.outrider.protocol.sql;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;

/**
 * The keywords that matter to a fingerprint. See <a
 * href="https://www.postgresql.org/docs/18/sql-keywords-appendix.html">SQL Key Words</a>.
 */
final class Words {
  /** An expression may come next: a sign after it has nothing to its left. */
  static final int BEFORE_EXPRESSION = 0x100;

  /** A parenthesis after it is set off by a space; after other words it is a function's. */
  static final int BEFORE_SPACE = 0x200;

  // The words that are more than that; the low byte of what is found.
  static final int IN = 1;
  static final int ARRAY = 2;
  static final int NULL = 3;
  static final int BOOLEAN = 4;
  static final int IS = 5;
  static final int NOT = 6;
  static final int SET = 7;
  static final int CREATE = 8;
  static final int ALTER = 9;
  static final int ROLE = 10;
  static final int SECRET = 11;
  static final int ROUTINE = 12;
  static final int OR = 13;
  static final int REPLACE = 14;
  static final int BEGIN = 15;
  static final int CASE = 16;
  static final int END = 17;
  static final int TO = 18;
  static final int CAST = 19;
  static final int EXTRACT = 20;
  static final int LIMIT = 21;
  static final int ALL = 22;
  static final int SAVEPOINT = 23;
  static final int RELEASE = 24;
  static final int ROLLBACK = 25;
  static final int DEALLOCATE = 26;
  static final int ZONE = 27;
  static final int AUTHORIZATION = 28;
  static final int TYPE = 29;
  static final int OWNER = 30;

  /** Stands where a name may stand, and is none. */
  static final int NO_NAME = 31;

  /** What ALTER gives settings, and is none of the others. */
  static final int CONFIGURED = 32;

  private static final int SIZE = 512;
  private static final byte[][] KEYS = new byte[SIZE][];
  private static final int[] FOUND = new int[SIZE];

  static {
    int both = BEFORE_EXPRESSION | BEFORE_SPACE;
    for (String word :
        List.of(
            "and",
            "any",
            "asymmetric",
            "between",
            "by",
            "check",
            "collate",
            "distinct",
            "else",
            "except",
            "fetch",
            "for",
            "from",
            "group",
            "having",
            "ilike",
            "intersect",
            "into",
            "isnull",
            "lateral",
            "like",
            "offset",
            "on",
            "only",
            "order",
            "overlaps",
            "over",
            "partition",
            "placing",
            "return",
            "returning",
            "select",
            "similar",
            "some",
            "symmetric",
            "then",
            "union",
            "using",
            "values",
            "variadic",
            "when",
            "where",
            "window",
            "with",
            "escape")) {
      put(word, both);
    }
    for (String word :
        List.of(
            "exists",
            "filter",
            "join",
            "key",
            "table",
            "within",
            "unique",
            "references",
            "primary",
            "foreign",
            "include",
            "inherits")) {
      put(word, BEFORE_SPACE);
    }
    put("in", IN | both);
    put("array", ARRAY);
    put("null", NULL);
    put("true", BOOLEAN);
    put("false", BOOLEAN);
    put("is", IS | both);
    put("not", NOT | both);
    put("set", SET | both);
    put("create", CREATE);
    put("alter", ALTER);
    put("role", ROLE);
    put("user", OWNER);
    put("group", OWNER | both);
    put("subscription", OWNER);
    put("password", SECRET);
    put("connection", SECRET);
    put("function", ROUTINE);
    put("procedure", ROUTINE);
    put("routine", CONFIGURED);
    put("database", CONFIGURED);
    put("system", CONFIGURED);
    put("or", OR | both);
    put("replace", REPLACE);
    put("begin", BEGIN);
    put("case", CASE | both);
    put("end", END);
    put("to", TO | both);
    put("cast", CAST);
    put("as", both);
    put("extract", EXTRACT);
    put("limit", LIMIT | both);
    put("all", ALL | both);
    put("savepoint", SAVEPOINT);
    put("release", RELEASE);
    put("rollback", ROLLBACK);
    put("deallocate", DEALLOCATE);
    put("zone", ZONE);
    put("authorization", AUTHORIZATION);
    for (String type :
        List.of("date", "time", "timestamp", "timestamptz", "timetz", "interval", "n")) {
      put(type, TYPE);
    }
    for (String word : List.of("prepare", "default", "local")) {
      put(word, NO_NAME);
    }
  }

  private Words() {}

  /** What is known of this word in lower case: flags and number, or 0. */
  static int find(byte[] word, int length) {
    int slot = slot(word, length);
    while (true) {
      byte[] key = KEYS[slot];
      if (key == null) {
        return 0;
      }
      if (key.length == length && matches(key, word)) {
        return FOUND[slot];
      }
      slot = (slot + 1) & (SIZE - 1);
    }
  }

  private static boolean matches(byte[] key, byte[] word) {
    for (int i = 0; i < key.length; i++) {
      if (key[i] != word[i]) {
        return false;
      }
    }
    return true;
  }

  private static int slot(byte[] word, int length) {
    int hash = length * 31 + word[0];
    hash = hash * 31 + word[length - 1];
    hash = hash * 31 + word[length / 2];
    return (hash ^ (hash >>> 9)) & (SIZE - 1);
  }

  private static void put(String word, int found) {
    byte[] key = word.getBytes(StandardCharsets.US_ASCII);
    int slot = slot(key, key.length);
    while (KEYS[slot] != null && !Arrays.equals(KEYS[slot], key)) {
      slot = (slot + 1) & (SIZE - 1);
    }
    KEYS[slot] = key;
    FOUND[slot] = found;
  }
}
