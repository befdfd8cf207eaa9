package dev.outrider.protocol.sql;

/**
 * Cuts the text of statements into tokens as Postgres does. See <a
 * href="https://www.postgresql.org/docs/18/sql-syntax-lexical.html">Lexical Structure</a>, and
 * scan.l in its source for what that leaves open.
 *
 * <p>Takes any bytes: what never ends, ends with the text. Every byte is looked at a bounded number
 * of times. Bytes above 127 are letters, as in Postgres, so every encoding that a server can have
 * is read rightly; of those that only clients can have (SJIS, BIG5, GBK, UHC, GB18030), bytes that
 * look like ASCII are taken for it.
 */
final class SqlLexer {
  /** Operators are cut after so many bytes; Postgres refuses them. */
  private static final int MAX_OPERATOR = 64;

  private static final byte SPACE = 1;
  private static final byte LETTER = 2;
  private static final byte DIGIT = 3;
  private static final byte OPERATOR = 4;
  private static final byte[] CLASSES = new byte[256];

  static {
    for (char c : " \t\n\r\f\u000b".toCharArray()) {
      CLASSES[c] = SPACE;
    }
    for (int c = 0; c < 256; c++) {
      if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c >= 0x80) {
        CLASSES[c] = LETTER;
      } else if (c >= '0' && c <= '9') {
        CLASSES[c] = DIGIT;
      }
    }
    for (char c : "~!@#^&|`?+-*/%<>=".toCharArray()) {
      CLASSES[c] = OPERATOR;
    }
  }

  /** What a token is. */
  enum Token {
    /** The text is over. */
    END,
    /** A keyword or an identifier without quotes. */
    WORD,
    /** An identifier in quotes. */
    QUOTED,
    /** A string or a number of any form. */
    LITERAL,
    /** {@code $n}. */
    PARAMETER,
    /** An operator; also {@code ::}, {@code :=} and {@code ..}. */
    OPERATOR,
    /** One byte that stands for itself: {@code ( ) [ ] , ; . :}, or one that SQL does not know. */
    PUNCTUATION
  }

  /** Is told of each comment, before the token that comes after it. */
  interface Comments {
    /** A comment with its marks. */
    void comment(int from, int to);
  }

  private final Comments comments;
  private boolean standardConformingStrings = true;
  private byte[] in = new byte[0];
  private int end;
  private int at;
  private int from;
  private boolean backslashBeforeQuote;

  SqlLexer(Comments comments) {
    this.comments = comments;
  }

  void standardConformingStrings(boolean on) {
    standardConformingStrings = on;
  }

  void start(byte[] text, int length) {
    in = text;
    end = length;
    at = 0;
    from = 0;
    backslashBeforeQuote = false;
  }

  /**
   * Whether a string so far had a backslash before a quote and ends there or later, as
   * standard_conforming_strings says.
   */
  boolean backslashBeforeQuote() {
    return backslashBeforeQuote;
  }

  /** Goes on from another place of the text. */
  void seek(int place) {
    at = place;
    from = place;
  }

  /** Where the token begins. */
  int from() {
    return from;
  }

  /** Where it ends. */
  int to() {
    return at;
  }

  /** The number of a parameter; 65535 for what is more. */
  int parameter() {
    int number = 0;
    for (int i = from + 1; i < at; i++) {
      number = Math.min(number * 10 + in[i] - '0', 65_535);
    }
    return number;
  }

  Token next() {
    skipSpace();
    from = at;
    if (at == end) {
      return Token.END;
    }
    int c = in[at] & 0xff;
    return switch (CLASSES[c]) {
      case LETTER -> word(c);
      case DIGIT -> number();
      case OPERATOR -> operator();
      default ->
          switch (c) {
            case '\'' -> string(at + 1, !standardConformingStrings, true);
            case '"' -> quoted(at + 1);
            case '$' -> dollar();
            case '.' -> {
              if (kind(at + 1) == DIGIT) {
                yield number();
              }
              yield byte1(at + 1) == '.' ? take(2, Token.OPERATOR) : take(1, Token.PUNCTUATION);
            }
            case ':' -> {
              int next = byte1(at + 1);
              yield next == ':' || next == '='
                  ? take(2, Token.OPERATOR)
                  : take(1, Token.PUNCTUATION);
            }
            default -> take(1, Token.PUNCTUATION);
          };
    };
  }

  private Token take(int length, Token token) {
    at += length;
    return token;
  }

  /** The byte there; -1 behind the end. */
  private int byte1(int index) {
    return index < end ? in[index] & 0xff : -1;
  }

  private int kind(int index) {
    return index < end ? CLASSES[in[index] & 0xff] : 0;
  }

  private void skipSpace() {
    while (at < end) {
      int c = in[at];
      if (c >= 0 && CLASSES[c] == SPACE) {
        at++;
      } else if (c == '-' && byte1(at + 1) == '-') {
        int start = at;
        at = lineEnd(at);
        comments.comment(start, at);
      } else if (c == '/' && byte1(at + 1) == '*') {
        int start = at;
        blockComment();
        comments.comment(start, at);
      } else {
        return;
      }
    }
  }

  private int lineEnd(int index) {
    int i = index;
    while (i < end && in[i] != '\n' && in[i] != '\r') {
      i++;
    }
    return i;
  }

  private void blockComment() {
    int depth = 0;
    do {
      int c = in[at];
      int next = byte1(at + 1);
      if (c == '/' && next == '*') {
        depth++;
        at += 2;
      } else if (c == '*' && next == '/') {
        depth--;
        at += 2;
      } else {
        at++;
      }
    } while (depth > 0 && at < end);
  }

  private Token word(int first) {
    int second = byte1(at + 1);
    if (second == '\'') {
      switch (first | 0x20) {
        case 'e' -> {
          return string(at + 2, true, false);
        }
        case 'n' -> {
          return string(at + 2, !standardConformingStrings, true);
        }
        case 'b', 'x' -> {
          return string(at + 2, false, false);
        }
        default -> {}
      }
    } else if (second == '&' && (first | 0x20) == 'u') {
      int third = byte1(at + 2);
      if (third == '\'') {
        return string(at + 3, false, false);
      }
      if (third == '"') {
        return quoted(at + 3);
      }
    }
    at = wordEnd(at + 1);
    return Token.WORD;
  }

  private int wordEnd(int index) {
    int i = index;
    while (i < end) {
      int c = in[i] & 0xff;
      if (CLASSES[c] != LETTER && CLASSES[c] != DIGIT && c != '$') {
        break;
      }
      i++;
    }
    return i;
  }

  /** What sticks to a number is an error for Postgres; here it belongs to the number. */
  private Token number() {
    int i = at;
    int mark = byte1(i + 1) | 0x20;
    if (in[i] != '0' || (mark != 'x' && mark != 'o' && mark != 'b')) {
      i = digits(i);
      if (byte1(i) == '.' && byte1(i + 1) != '.') {
        i = digits(i + 1);
      }
      if ((byte1(i) | 0x20) == 'e') {
        int sign = byte1(i + 1);
        int exponent = sign == '+' || sign == '-' ? i + 2 : i + 1;
        if (kind(exponent) == DIGIT) {
          i = digits(exponent);
        }
      }
    }
    at = wordEnd(i);
    return Token.LITERAL;
  }

  private int digits(int index) {
    int i = index;
    while (i < end && (CLASSES[in[i] & 0xff] == DIGIT || in[i] == '_')) {
      i++;
    }
    return i;
  }

  private Token string(int start, boolean escapes, boolean plain) {
    int i = start;
    while (i < end) {
      int c = in[i++];
      if (c == '\\' && escapes) {
        backslashBeforeQuote |= plain && byte1(i) == '\'';
        i++;
      } else if (c == '\'') {
        backslashBeforeQuote |= plain && i - 2 >= start && in[i - 2] == '\\';
        if (byte1(i) == '\'') {
          i++;
        } else {
          int more = continued(i);
          if (more < 0) {
            break;
          }
          i = more;
        }
      }
    }
    at = Math.min(i, end);
    return Token.LITERAL;
  }

  /** Where a string goes on: after space with a line's end in it and a quote; -1 if it does not. */
  private int continued(int index) {
    boolean newLine = false;
    int i = index;
    while (i < end) {
      int c = in[i];
      if (c == '\n' || c == '\r') {
        newLine = true;
        i++;
      } else if (c >= 0 && CLASSES[c] == SPACE) {
        i++;
      } else if (c == '-' && byte1(i + 1) == '-') {
        i = lineEnd(i);
      } else {
        return c == '\'' && newLine ? i + 1 : -1;
      }
    }
    return -1;
  }

  private Token quoted(int start) {
    int i = start;
    while (i < end) {
      if (in[i++] == '"') {
        if (byte1(i) != '"') {
          at = i;
          return Token.QUOTED;
        }
        i++;
      }
    }
    // It never ends, and who knows what is in it.
    at = i;
    return Token.LITERAL;
  }

  private Token dollar() {
    if (kind(at + 1) == DIGIT) {
      // What sticks to it is an error for Postgres; in the text of pg_stat_statements a word.
      at++;
      while (kind(at) == DIGIT) {
        at++;
      }
      return Token.PARAMETER;
    }
    int tagEnd = at + 1;
    while (kind(tagEnd) == LETTER || kind(tagEnd) == DIGIT) {
      tagEnd++;
    }
    if (byte1(tagEnd) != '$') {
      return take(1, Token.PUNCTUATION);
    }
    int length = tagEnd + 1 - at;
    int i = tagEnd + 1;
    while (i < end) {
      if (in[i] != '$') {
        i++;
        continue;
      }
      // The tag has no dollar inside, so what matched of it need not be looked at again.
      int matched = 1;
      while (matched < length && i + matched < end && in[i + matched] == in[at + matched]) {
        matched++;
      }
      if (matched == length) {
        at = i + length;
        return Token.LITERAL;
      }
      i += matched;
    }
    at = end;
    return Token.LITERAL;
  }

  private Token operator() {
    int limit = Math.min(end, at + MAX_OPERATOR);
    int i = at;
    boolean keepsSign = false;
    int lastOther = at;
    while (i < limit && CLASSES[in[i] & 0xff] == OPERATOR) {
      int c = in[i];
      int next = byte1(i + 1);
      if (i > at && ((c == '-' && next == '-') || (c == '/' && next == '*'))) {
        break;
      }
      if (c != '+' && c != '-') {
        lastOther = i;
        keepsSign |= c != '*' && c != '/' && c != '<' && c != '>' && c != '=';
      }
      i++;
    }
    // Only with one of the unusual characters can an operator end in a sign: "a=-1" has two.
    at = keepsSign ? i : Math.max(lastOther, from) + 1;
    return Token.OPERATOR;
  }
}
