package dev.outrider.protocol.sql;

import dev.outrider.protocol.sql.SqlLexer.Token;

/**
 * What a statement's text tells of a session that the answer to it does not: which prepared
 * statement it makes, executes or drops (see <a
 * href="https://www.postgresql.org/docs/18/sql-prepare.html">PREPARE</a>), and whether a ROLLBACK
 * ends its transaction.
 *
 * @param kind what the statement does
 * @param name the hash of the prepared statement's name as {@link #nameHash} makes it; 0 where
 *     there is none
 */
public record SessionCommand(Kind kind, long name) {
  /** Kinds of statements. */
  public enum Kind {
    /** None of the others. */
    OTHER,
    /** PREPARE. */
    PREPARE,
    /** EXECUTE. */
    EXECUTE,
    /** DEALLOCATE of one prepared statement. */
    DEALLOCATE,
    /** ROLLBACK TO SAVEPOINT, after which the transaction goes on. */
    ROLLBACK_TO
  }

  /** What most statements are. */
  public static final SessionCommand OTHER = new SessionCommand(Kind.OTHER, 0);

  private static final SessionCommand ROLLBACK_TO = new SessionCommand(Kind.ROLLBACK_TO, 0);

  /** How much of a name counts: NAMEDATALEN - 1 bytes. */
  private static final int MAX_NAME = 63;

  /**
   * The hash of a prepared statement's name, as it is in Bind and as SQL reads it: of its first 63
   * bytes, which are all that Postgres looks at.
   */
  public static long nameHash(byte[] name, int from, int to) {
    return Hash64.of(name, from, Math.min(to, from + MAX_NAME));
  }

  static SessionCommand read(SqlLexer lexer, byte[] in, int length, int start) {
    int first = in[start] | 0x20;
    if (first != 'p' && first != 'e' && first != 'd' && first != 'r') {
      return OTHER;
    }
    lexer.start(in, length);
    lexer.seek(start);
    if (lexer.next() != Token.WORD) {
      return OTHER;
    }
    if (is(lexer, in, "rollback")) {
      return rollback(lexer, in);
    }
    if (is(lexer, in, "prepare")) {
      return prepare(lexer, in);
    }
    if (is(lexer, in, "execute")) {
      return named(Kind.EXECUTE, lexer, in, lexer.next());
    }
    return is(lexer, in, "deallocate") ? deallocate(lexer, in) : OTHER;
  }

  private static SessionCommand rollback(SqlLexer lexer, byte[] in) {
    Token next = lexer.next();
    if (next == Token.WORD && (is(lexer, in, "work") || is(lexer, in, "transaction"))) {
      next = lexer.next();
    }
    return next == Token.WORD && is(lexer, in, "to") ? ROLLBACK_TO : OTHER;
  }

  private static SessionCommand prepare(SqlLexer lexer, byte[] in) {
    SessionCommand prepare = named(Kind.PREPARE, lexer, in, lexer.next());
    // PREPARE TRANSACTION 'name', which is for two-phase commit.
    return lexer.next() == Token.LITERAL ? OTHER : prepare;
  }

  /** The tag of the answer tells of {@code DEALLOCATE ALL}. */
  private static SessionCommand deallocate(SqlLexer lexer, byte[] in) {
    Token next = lexer.next();
    if (next == Token.WORD && is(lexer, in, "prepare")) {
      SessionCommand prepare = named(Kind.DEALLOCATE, lexer, in, next);
      next = lexer.next();
      if (next != Token.WORD && next != Token.QUOTED) {
        // It is the name.
        return prepare;
      }
    }
    return next == Token.WORD && is(lexer, in, "all")
        ? OTHER
        : named(Kind.DEALLOCATE, lexer, in, next);
  }

  private static SessionCommand named(Kind kind, SqlLexer lexer, byte[] in, Token token) {
    if (token != Token.WORD && token != Token.QUOTED) {
      return OTHER;
    }
    byte[] name = new byte[MAX_NAME];
    int size = 0;
    int from = lexer.from();
    int to = lexer.to();
    if (token == Token.WORD) {
      for (int i = from; i < to && size < MAX_NAME; i++) {
        name[size++] = in[i] >= 'A' && in[i] <= 'Z' ? (byte) (in[i] | 0x20) : in[i];
      }
    } else {
      for (int i = from + 1; i < to - 1 && size < MAX_NAME; i++) {
        name[size++] = in[i];
        if (in[i] == '"') {
          // A quote in the name is written twice.
          i++;
        }
      }
    }
    return new SessionCommand(kind, nameHash(name, 0, size));
  }

  private static boolean is(SqlLexer lexer, byte[] in, String word) {
    int length = lexer.to() - lexer.from();
    if (length != word.length()) {
      return false;
    }
    for (int i = 0; i < length; i++) {
      if ((in[lexer.from() + i] | 0x20) != word.charAt(i)) {
        return false;
      }
    }
    return true;
  }
}
