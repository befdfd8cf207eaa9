package dev.outrider.protocol.sql;

import dev.outrider.protocol.sql.SqlLexer.Token;
import io.netty.buffer.ByteBuf;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Takes the values out of SQL: statements that differ in nothing else get one text and one hash,
 * much as <a href="https://www.postgresql.org/docs/18/pgstatstatements.html">pg_stat_statements</a>
 * shows them.
 *
 * <ol>
 *   <li>Every literal becomes a placeholder {@code $n}, numbered after the parameters that the text
 *       has; a sign before it goes with it. So do {@code NULL}, {@code TRUE} and {@code FALSE}, but
 *       for {@code IS NULL} and its like.
 *   <li>A list of two or more constants in {@code IN (…)} or {@code ARRAY[…]} becomes {@code $n /*,
 *       ... *}{@code /}, as in PostgreSQL 18, casts included.
 *   <li>Comments go, space is as if one hand had written all statements, and words without quotes
 *       are in lower case, as Postgres reads them. (pg_stat_statements keeps all three as the first
 *       caller wrote them, so its text of one statement depends on who came first.)
 *   <li>The hash does not tell parameters and literals apart, nor their numbers. So the text that
 *       pg_stat_statements shows has the hash of the statement itself, and the figures of all its
 *       entries with that hash add up to those of the fingerprint.
 *   <li>What {@code SET} sets is one placeholder, and each value that {@code ALTER} or {@code
 *       CREATE FUNCTION} sets is one; the names of savepoints are placeholders, and of prepared
 *       statements in {@code DEALLOCATE}.
 *   <li>So is whatever stands where a password or a connection string belongs. pg_stat_statements
 *       shows these.
 * </ol>
 *
 * <p>Text is read as Postgres reads it, so values cannot be told in text that it would refuse: in
 * {@code 'it's'} the {@code s} is a word. Show a text only after one statement with it succeeded.
 *
 * <p>Work is one pass over the text, and memory is bounded by the limits given, whatever the text.
 * An instance holds what it read last; it is for one thread, and meant to be used again and again.
 * Figures are asked for by the number of the statement, from 0; empty statements do not count.
 */
public final class Fingerprinter {
  /** The default for how much of a text is read, in bytes. */
  public static final int DEFAULT_MAX_INPUT = 1 << 20;

  /** The default for how much of a statement's normalised text is kept and hashed, in bytes. */
  public static final int DEFAULT_MAX_TEXT = 8 << 10;

  /** The most statements of one text that are told apart. */
  public static final int MAX_STATEMENTS = 1000;

  /** Memory that grew beyond so many bytes is given back before the next text. */
  private static final int KEPT = 64 << 10;

  /** Postgres cuts names here: NAMEDATALEN - 1. */
  private static final int MAX_NAME = 63;

  /** How far back the beginning of a comment at the end is looked for. */
  private static final int MAX_TAIL = 2 << 10;

  /** Tells texts with a comment at their end and texts without apart. */
  private static final long TAIL = 0xD6E8FEB86659FD93L;

  /**
   * How much of the normalised text is hashed where the input ends early: where that is depends on
   * the lengths of values, so most of the text would not be the same again.
   */
  private static final int HASHED_OF_CUT = 512;

  /** No byte of a token, so they stand for placeholders in what is hashed. */
  private static final byte ONE = 1;

  private static final byte LIST = 2;

  private static final byte[] LIST_MARK = "/*, ... */".getBytes(StandardCharsets.US_ASCII);
  private static final byte[] LIST_TEXT = " /*, ... */".getBytes(StandardCharsets.US_ASCII);

  /** What may come next in a list of constants. */
  private enum Element {
    /** Not in a list, or one of other things than constants. */
    NO_LIST,
    /** A constant, or the type before one. */
    START,
    /** After a type, its constant. */
    TYPED,
    /** After {@code CAST}, a parenthesis. */
    CAST,
    /** In {@code CAST (}, the constant. */
    CAST_VALUE,
    /** In {@code CAST (}, {@code AS} and the type. */
    CAST_TYPE,
    /** A constant has been. */
    DONE,
    /** After {@code ::}, a type. */
    TO_TYPE,
    /** A type has been, which can go on. */
    TYPE,
    /** In a type's parentheses or brackets. */
    MODIFIER
  }

  /** What may come next in {@code SET name = value, …} that is not a statement of its own. */
  private enum Setting {
    /** No setting. */
    NONE,
    /** Its name, or what comes between it and the value. */
    NAME,
    /** A value. */
    VALUE,
    /** A value has been. */
    DONE
  }

  private final int maxInput;
  private final int maxText;
  private final SqlLexer lexer = new SqlLexer(this::comment);
  private final byte[] word = new byte[MAX_NAME + 1];

  private byte[] input = new byte[1024];
  private int inputLength;
  private boolean cut;
  // Where the comment begins that seems to end the text, and whether reading has found it there.
  private int tail;
  private boolean tailIsComment;
  private boolean traced;
  private boolean tracedElsewhere;
  private boolean hangsOnStandardStrings;

  // Of all statements: where each one's form, parameters and traceparent are, and its hash.
  private int statements;
  private boolean moreStatements;
  private int[] forms = new int[8];
  private int[] parameters = new int[8];
  private int[] greatest = new int[8];
  private int[] traces = new int[8];
  private int[] starts = new int[8];
  private boolean[] truncated = new boolean[8];
  private long[] hashes = new long[8];

  private byte[] form = new byte[1024];
  private int length;
  private int[] numbers = new int[16];
  private int numberCount;

  // Of the statement that is being read.
  private boolean begun;
  private boolean full;
  private int greatestParameter;
  private int depth;
  private int beginDepth;
  private int words;
  private int firstWord;
  private int secondWord;
  private boolean routine;
  private boolean secretNext;
  private boolean nameNext;
  private boolean skipRest;
  private Setting setting = Setting.NONE;
  private int trace;
  private int leadingTrace;
  private int trailingTrace;

  // Of the token before.
  private boolean glued;
  private boolean operand;
  private boolean spaced;
  private boolean afterDot;
  private int keyword;
  private int keywordBefore;
  private int signs;
  private boolean signsGlued;

  private Element element = Element.NO_LIST;
  private int listForm;
  private int listNumbers;
  private boolean listFull;
  private int listDepth;
  private int listCount;
  private boolean listMarked;

  /** With the default limits. */
  public Fingerprinter() {
    this(DEFAULT_MAX_INPUT, DEFAULT_MAX_TEXT);
  }

  /**
   * With limits of one's own.
   *
   * @param maxInput how much of a text is read, in bytes, at least 1
   * @param maxText how much of a statement's normalised text is kept and hashed, in bytes, at least
   *     64
   */
  public Fingerprinter(int maxInput, int maxText) {
    if (maxInput < 1) {
      throw new IllegalArgumentException("maxInput: " + maxInput + " (expected: at least 1)");
    }
    if (maxText < 64) {
      throw new IllegalArgumentException("maxText: " + maxText + " (expected: at least 64)");
    }
    this.maxInput = maxInput;
    this.maxText = maxText;
  }

  /**
   * Says how the session reads backslashes in plain strings, as ParameterStatus of {@code
   * standard_conforming_strings} tells; on by default.
   */
  public void standardConformingStrings(boolean on) {
    lexer.standardConformingStrings(on);
  }

  /**
   * Reads the text of one or more statements; what was read before is forgotten.
   *
   * @param text the readable bytes, in UTF-8 or another encoding that a server can have; its
   *     indices stay as they are
   * @return how many statements there are
   */
  public int read(ByteBuf text) {
    load(text, text.readerIndex(), text.readableBytes());
    return read();
  }

  /**
   * Takes the text of one or more statements and forgets what was read before; {@link #read()}
   * reads it, unless its {@link #textHash} tells that it is known.
   *
   * @param in holds the text; its indices stay as they are
   * @param index where it begins
   * @param length how many bytes it has
   */
  public void load(ByteBuf in, int index, int length) {
    int size = Math.min(length, maxInput);
    reset(size);
    cut = size < length;
    inputLength = size;
    in.getBytes(index, input, 0, size);
    tail = cut || size < 4 || input[size - 1] != '/' || input[size - 2] != '*' ? size : findTail();
  }

  /**
   * Where the last comment begins, if it is plain: ASCII, with none within. The same text with
   * another such comment there is read in the same way, for up to there nothing is different.
   */
  private int findTail() {
    int end = inputLength - 2;
    for (int i = end - 1; i > 0 && i > end - MAX_TAIL && input[i] >= 0; i--) {
      if (input[i] == '*' && input[i - 1] == '/') {
        return i - 1;
      }
      if (input[i] == '/' && input[i - 1] == '*') {
        break;
      }
    }
    return inputLength;
  }

  /**
   * The hash of the text as it was loaded, literals and all, but without the comment that ends it,
   * as SQLCommenter writes one; of as much of it as is read: two texts that the limit cuts and that
   * begin the same have the same one.
   */
  public long textHash() {
    long hash = Hash64.of(input, 0, tail);
    if (tail < inputLength) {
      hash ^= TAIL;
    }
    return cut ? ~hash : hash;
  }

  /**
   * Whether what was read holds for all texts with this {@link #textHash}, whose traces are told by
   * {@link #lastTraceparent}. It does not where what looked like a comment at the end was none, or
   * where another comment has a {@code traceparent}: such a text will hardly come again.
   */
  public boolean holdsForHash() {
    return (tail == inputLength || tailIsComment) && !tracedElsewhere;
  }

  /**
   * The {@code traceparent} of the comment that ends the text that was loaded. Only to be asked if
   * the text was read, or another with its hash for which {@link #holdsForHash} was true.
   */
  public @Nullable Traceparent lastTraceparent() {
    int at = tail < inputLength ? Traceparent.find(input, tail, inputLength) : -1;
    return at < 0 ? null : Traceparent.read(input, at);
  }

  /** Whether a comment of the text that was read has a {@code traceparent}. */
  public boolean isTraced() {
    return traced;
  }

  /**
   * Reads the text that was loaded.
   *
   * @return how many statements there are
   */
  public int read() {
    lexer.start(input, inputLength);
    for (Token token = lexer.next(); token != Token.END; token = lexer.next()) {
      take(token);
    }
    endStatement();
    hangsOnStandardStrings = lexer.backslashBeforeQuote();
    if (leadingTrace >= 0 && statements > 0 && traces[statements - 1] < 0) {
      // After the last semicolon.
      traces[statements - 1] = leadingTrace;
    }
    return statements;
  }

  /** How many statements were read. */
  public int statements() {
    return statements;
  }

  /** Whether there are more statements than {@link #statements()} or than the limit lets see. */
  public boolean hasMore() {
    return moreStatements || cut;
  }

  /**
   * Whether the text that was read last could have other values if {@code
   * standard_conforming_strings} were not what it was told to be: a plain string has a backslash
   * before a quote.
   */
  public boolean hangsOnStandardStrings() {
    return hangsOnStandardStrings;
  }

  /**
   * Whether the text that was loaded could have other values in one of the encodings that only
   * clients can have: a byte that looks like a mark in ASCII could be the end of a character.
   */
  public boolean hangsOnEncoding() {
    for (int i = 1; i < inputLength; i++) {
      int letter = input[i] | 0x20;
      if (input[i - 1] < 0 && input[i] >= '@' && (letter < 'a' || letter > 'z')) {
        return true;
      }
    }
    return false;
  }

  /** The hash of a statement: the same for the same normalised text, in every process. */
  public long hash(int statement) {
    return hashes[check(statement)];
  }

  /** Whether a statement was longer than a limit, so that text and hash are of its beginning. */
  public boolean isTruncated(int statement) {
    return truncated[check(statement)];
  }

  /** The normalised text of a statement; made at every call. */
  public String text(int statement) {
    int from = forms[check(statement)];
    int to = statement + 1 < statements ? forms[statement + 1] : length;
    int next = parameters[statement];
    int number = greatest[statement];
    byte[] text = new byte[(to - from) * 2 + 16];
    int size = 0;
    for (int i = from; i < to; i++) {
      byte b = form[i];
      if (text.length - size < 32) {
        text = Arrays.copyOf(text, text.length * 2);
      }
      if (b != ONE && b != LIST) {
        text[size++] = b;
        continue;
      }
      int parameter = numbers[next++];
      text[size++] = '$';
      size = decimal(parameter > 0 ? parameter : ++number, text, size);
      if (b == LIST) {
        System.arraycopy(LIST_TEXT, 0, text, size, LIST_TEXT.length);
        size += LIST_TEXT.length;
      }
    }
    return new String(text, 0, size, StandardCharsets.UTF_8);
  }

  /**
   * The {@code traceparent} of <a href="https://www.w3.org/TR/trace-context/">W3C Trace Context</a>
   * in a comment before or after a statement, as <a
   * href="https://google.github.io/sqlcommenter/spec/">SQLCommenter</a> writes it; null if there is
   * none or no valid one.
   */
  public @Nullable Traceparent traceparent(int statement) {
    int at = traces[check(statement)];
    return at < 0 ? null : Traceparent.read(input, at);
  }

  /** What a statement does with prepared statements or savepoints, as far as its text tells. */
  public SessionCommand sessionCommand(int statement) {
    return SessionCommand.read(lexer, input, inputLength, starts[check(statement)]);
  }

  private int check(int statement) {
    if (statement < 0 || statement >= statements) {
      throw new IndexOutOfBoundsException(
          "statement: " + statement + " (expected: 0 to " + (statements - 1) + ")");
    }
    return statement;
  }

  private static int decimal(int number, byte[] out, int at) {
    int digits = 1;
    for (int rest = number / 10; rest > 0; rest /= 10) {
      digits++;
    }
    int rest = number;
    for (int i = at + digits - 1; i >= at; i--) {
      out[i] = (byte) ('0' + rest % 10);
      rest /= 10;
    }
    return at + digits;
  }

  private void reset(int size) {
    if (input.length < size || (input.length > KEPT && size <= KEPT)) {
      input = new byte[Math.max(size, 1024)];
    }
    if (form.length > KEPT) {
      form = new byte[1024];
    }
    if (numbers.length > KEPT / 4) {
      numbers = new int[16];
    }
    statements = 0;
    moreStatements = false;
    tailIsComment = false;
    traced = false;
    tracedElsewhere = false;
    length = 0;
    numberCount = 0;
    begun = false;
    leadingTrace = -1;
    trailingTrace = -1;
    element = Element.NO_LIST;
  }

  private void comment(int from, int to) {
    if (element == Element.DONE || element == Element.TYPE) {
      listMarked |= Arrays.equals(input, from, to, LIST_MARK, 0, LIST_MARK.length);
    }
    tailIsComment |= from == tail;
    int at = Traceparent.find(input, from, to);
    if (at < 0) {
      return;
    }
    traced = true;
    tracedElsewhere |= from != tail;
    if (begun) {
      trailingTrace = at;
    } else {
      leadingTrace = at;
    }
  }

  private void take(Token token) {
    int first = input[lexer.from()];
    if (token == Token.PUNCTUATION && first == ';' && depth <= 0 && beginDepth == 0) {
      endStatement();
      return;
    }
    if (moreStatements) {
      return;
    }
    if (!begun) {
      if (statements == MAX_STATEMENTS) {
        moreStatements = true;
        return;
      }
      beginStatement();
    }
    trailingTrace = -1;
    if (skipRest) {
      return;
    }
    int before = keyword;
    boolean dot = afterDot;
    keyword = 0;
    afterDot = false;
    boolean secret = secretNext || isSet(token, first);
    boolean name = nameNext;
    secretNext = false;
    nameNext = false;
    switch (token) {
      case LITERAL -> {
        if ((first | 0x20) == 'n') {
          national();
        }
        placeholder(0);
      }
      case PARAMETER -> {
        int number = lexer.parameter();
        greatestParameter = Math.max(greatestParameter, number);
        placeholder(number);
      }
      case WORD -> {
        if (secret) {
          placeholder(0);
        } else {
          word(before, dot, name);
        }
      }
      case QUOTED -> {
        if (secret || name) {
          placeholder(0);
        } else {
          quoted();
        }
      }
      case OPERATOR -> operator(first);
      case PUNCTUATION -> punctuation(first, before);
      case END -> throw new IllegalStateException("END is no token of a statement");
    }
    keywordBefore = before;
  }

  /** Whether a token is the value of a setting. */
  private boolean isSet(Token token, int first) {
    boolean value =
        setting == Setting.VALUE && token != Token.OPERATOR && token != Token.PUNCTUATION;
    if (value) {
      setting = Setting.DONE;
    } else if (setting == Setting.DONE) {
      setting = token == Token.PUNCTUATION && first == ',' ? Setting.VALUE : Setting.NONE;
    }
    return value;
  }

  private void beginStatement() {
    begun = true;
    if (statements == forms.length) {
      int size = Math.min(statements * 2, MAX_STATEMENTS);
      forms = Arrays.copyOf(forms, size);
      parameters = Arrays.copyOf(parameters, size);
      greatest = Arrays.copyOf(greatest, size);
      traces = Arrays.copyOf(traces, size);
      starts = Arrays.copyOf(starts, size);
      truncated = Arrays.copyOf(truncated, size);
      hashes = Arrays.copyOf(hashes, size);
    }
    forms[statements] = length;
    starts[statements] = lexer.from();
    parameters[statements] = numberCount;
    full = false;
    greatestParameter = 0;
    depth = 0;
    beginDepth = 0;
    words = 0;
    firstWord = 0;
    secondWord = 0;
    routine = false;
    secretNext = false;
    nameNext = false;
    skipRest = false;
    setting = Setting.NONE;
    trace = leadingTrace;
    leadingTrace = -1;
    trailingTrace = -1;
    glued = true;
    operand = false;
    spaced = false;
    afterDot = false;
    keyword = 0;
    keywordBefore = 0;
    signs = -1;
    element = Element.NO_LIST;
  }

  private void endStatement() {
    if (!begun) {
      return;
    }
    begun = false;
    depth = 0;
    beginDepth = 0;
    boolean last = cut && lexer.from() == lexer.to();
    int from = forms[statements];
    int hashed = last ? Math.min(length, from + HASHED_OF_CUT) : length;
    hashes[statements] = Hash64.of(form, from, hashed);
    truncated[statements] = full || last;
    greatest[statements] = greatestParameter;
    traces[statements] = trailingTrace >= 0 ? trailingTrace : trace;
    trailingTrace = -1;
    element = Element.NO_LIST;
    statements++;
  }

  /** The N of N'…', which is a type for Postgres. */
  private void national() {
    word[0] = 'n';
    listWord(Words.TYPE, false);
    append(word, 0, 1, !glued);
    after(true, false);
  }

  private void placeholder(int number) {
    if (signs >= 0) {
      // As Postgres does for numbers, and the same for all, so that "-$1" is what "$1" is.
      length = signs;
      glued = signsGlued;
      signs = -1;
    }
    mark(ONE, number, !glued);
    after(true, true);
    element =
        switch (element) {
          case START, TYPED -> Element.DONE;
          case CAST_VALUE -> Element.CAST_TYPE;
          case MODIFIER -> Element.MODIFIER;
          case NO_LIST, CAST, CAST_TYPE, DONE, TO_TYPE, TYPE -> Element.NO_LIST;
        };
  }

  private void word(int before, boolean dot, boolean name) {
    int size = Math.min(lexer.to() - lexer.from(), MAX_NAME);
    for (int i = 0; i < size; i++) {
      byte b = input[lexer.from() + i];
      word[i] = b >= 'A' && b <= 'Z' ? (byte) (b + 'a' - 'A') : b;
    }
    if (size == MAX_NAME && lexer.to() - lexer.from() > MAX_NAME) {
      size = wholeCharacters(word, size, input[lexer.from() + size]);
    }
    int found = dot ? 0 : Words.find(word, size);
    if (found == 0 && !dot && touchesString(size)) {
      return;
    }
    int number = found & 0xff;
    keyword = number;
    words++;
    if (words == 1) {
      firstWord = number;
    } else if (words == 2) {
      secondWord = number;
    }
    if ((name && !isNoName(number))
        || (number == Words.ALL && before == Words.LIMIT)
        || (number == Words.NULL && !isNullOfSyntax(before))
        || (number == Words.BOOLEAN
            && before != Words.IS
            && (before != Words.NOT || keywordBefore != Words.IS))) {
      placeholder(0);
      return;
    }
    block(number);
    listWord(number, (found & Words.BEFORE_EXPRESSION) != 0);
    append(word, 0, size, !glued);
    after((found & Words.BEFORE_EXPRESSION) == 0, (found & Words.BEFORE_SPACE) != 0);
    if (number == Words.TO && firstWord == Words.SET && depth == 0) {
      settingFollows();
    }
    if (number == Words.SET && isConfigured()) {
      setting = Setting.NAME;
    } else if (number == Words.TO && setting == Setting.NAME) {
      setting = Setting.VALUE;
    }
    secretNext =
        number == Words.SECRET
            && (firstWord == Words.CREATE || firstWord == Words.ALTER)
            && (secondWord == Words.ROLE || secondWord == Words.OWNER);
    nameNext =
        switch (firstWord) {
          case Words.SET ->
              number == Words.ROLE || number == Words.ZONE || number == Words.AUTHORIZATION;
          case Words.SAVEPOINT -> words == 1;
          case Words.RELEASE -> words == 1 || (words == 2 && number == Words.SAVEPOINT);
          case Words.ROLLBACK -> number == Words.TO || number == Words.SAVEPOINT;
          case Words.DEALLOCATE -> words == 1 || (words == 2 && number == Words.NO_NAME);
          default -> false;
        };
  }

  /**
   * {@code IS NULL}, {@code IS NOT NULL}, and in definitions {@code NOT NULL}, {@code SET NULL}.
   */
  private boolean isNullOfSyntax(int before) {
    return before == Words.IS
        || before == Words.SET
        || (before == Words.NOT
            && (keywordBefore == Words.IS
                || firstWord == Words.CREATE
                || firstWord == Words.ALTER));
  }

  private static boolean isNoName(int number) {
    return number == Words.NO_NAME || number == Words.ALL || number == Words.SAVEPOINT;
  }

  /**
   * Takes {@code date$1} as {@code date $1}, which is how pg_stat_statements shows a type that
   * touches its string.
   */
  private boolean touchesString(int size) {
    int dollar = size - 1;
    while (dollar > 0 && word[dollar] >= '0' && word[dollar] <= '9') {
      dollar--;
    }
    if (dollar < 1
        || dollar == size - 1
        || word[dollar] != '$'
        || Words.find(word, dollar) != Words.TYPE) {
      return false;
    }
    words++;
    keyword = Words.TYPE;
    listWord(Words.TYPE, false);
    append(word, 0, dollar, !glued);
    after(true, false);
    int number = 0;
    for (int i = dollar + 1; i < size; i++) {
      number = Math.min(number * 10 + word[i] - '0', 65_535);
    }
    greatestParameter = Math.max(greatestParameter, number);
    placeholder(number);
    return true;
  }

  /** Keeps track of a routine's BEGIN ATOMIC … END, whose semicolons end no statement: as psql. */
  private void block(int number) {
    if (firstWord != Words.CREATE) {
      return;
    }
    if (number == Words.ROUTINE && (words == 2 || (words == 4 && secondWord == Words.OR))) {
      routine = true;
    } else if (routine && depth == 0) {
      if (number == Words.BEGIN || (number == Words.CASE && beginDepth > 0)) {
        beginDepth++;
      } else if (number == Words.END && beginDepth > 0) {
        beginDepth--;
      }
    }
  }

  private void listWord(int number, boolean beforeExpression) {
    element =
        switch (element) {
          case START -> {
            if (number == Words.CAST) {
              yield Element.CAST;
            }
            yield beforeExpression ? Element.NO_LIST : Element.TYPED;
          }
          case TYPED -> beforeExpression ? Element.NO_LIST : Element.TYPED;
          case CAST_TYPE, MODIFIER -> element;
          case TO_TYPE, TYPE -> Element.TYPE;
          case NO_LIST, CAST, CAST_VALUE, DONE -> Element.NO_LIST;
        };
  }

  private void quoted() {
    if (firstWord == Words.SET) {
      // The setting's name, which its value follows.
      words++;
    }
    int from = lexer.from();
    int size = Math.min(lexer.to() - from, 2 * MAX_NAME + 5);
    boolean space = !glued;
    if (room(size + 1)) {
      if (space) {
        form[length++] = ' ';
      }
      for (int i = from; i < from + size; i++) {
        byte b = input[i];
        form[length++] = b >= 0 && b < ' ' ? (byte) '?' : b;
      }
    }
    after(true, false);
    element =
        switch (element) {
          case START, TYPED -> Element.TYPED;
          case TO_TYPE, TYPE -> Element.TYPE;
          case CAST_TYPE, MODIFIER -> element;
          case NO_LIST, CAST, CAST_VALUE, DONE -> Element.NO_LIST;
        };
  }

  private void operator(int first) {
    int from = lexer.from();
    int size = lexer.to() - from;
    int second = size > 1 ? input[from + 1] : 0;
    if (first == ':' && second == ':') {
      append(input, from, from + size, false);
      after(false, false);
      glued = true;
      element =
          switch (element) {
            case DONE, TYPE -> Element.TO_TYPE;
            case CAST_TYPE, MODIFIER -> element;
            case NO_LIST, START, TYPED, CAST, CAST_VALUE, TO_TYPE -> Element.NO_LIST;
          };
      return;
    }
    if (size == 1 && (first == '-' || first == '+') && !operand) {
      int start = signs >= 0 ? signs : length;
      signsGlued = signs >= 0 ? signsGlued : glued;
      append(input, from, from + 1, !glued);
      after(false, false);
      glued = true;
      signs = start;
      return;
    }
    if (first == '*' && size == 1 && glued) {
      // All columns, or all arguments: no operator, so nothing to set off.
      append(input, from, from + 1, false);
      after(true, true);
      element = Element.NO_LIST;
      return;
    }
    if (first == '!' && second == '=' && size == 2) {
      word[0] = '<';
      word[1] = '>';
      append(word, 0, 2, !glued);
    } else {
      append(input, from, from + size, !glued);
    }
    after(false, true);
    element = Element.NO_LIST;
    if (first == '=' && size == 1 && depth == 0) {
      if (firstWord == Words.SET) {
        settingFollows();
      } else if (setting == Setting.NAME) {
        setting = Setting.VALUE;
      }
    }
  }

  /** Whether SET here is a part of a statement that gives something its settings. */
  private boolean isConfigured() {
    if (depth > 0 || beginDepth > 0) {
      return false;
    }
    return routine
        || (firstWord == Words.ALTER
            && (secondWord == Words.ROLE
                || secondWord == Words.OWNER
                || secondWord == Words.ROUTINE
                || secondWord == Words.CONFIGURED));
  }

  private void settingFollows() {
    if (words > 1) {
      placeholder(0);
      skipRest = true;
    }
  }

  private void punctuation(int first, int before) {
    int from = lexer.from();
    switch (first) {
      case '(', '[' -> {
        boolean wasOperand = operand;
        append(input, from, from + 1, !glued && (!operand || (spaced && first == '(')));
        after(false, false);
        glued = true;
        depth++;
        // A bracket after no operand is an array in an array.
        open(first, !wasOperand && first == '[' ? Words.ARRAY : before);
        // Its field is a name, which Postgres reads as a constant.
        nameNext = first == '(' && before == Words.EXTRACT;
      }
      case ')', ']' -> {
        close(first);
        append(input, from, from + 1, false);
        after(true, first == ')');
        depth--;
      }
      case ',' -> {
        append(input, from, from + 1, false);
        after(false, true);
        comma();
      }
      case '.', ':' -> {
        append(input, from, from + 1, false);
        after(false, false);
        glued = true;
        afterDot = first == '.';
        element =
            switch (element) {
              case TYPE -> Element.TO_TYPE;
              case TYPED, CAST_TYPE, MODIFIER -> element;
              case NO_LIST, START, CAST, CAST_VALUE, DONE, TO_TYPE -> Element.NO_LIST;
            };
      }
      default -> {
        // A semicolon in parentheses, or what is no SQL.
        word[0] = first == ';' ? (byte) ';' : (byte) '?';
        append(word, 0, 1, !glued && first != ';');
        after(false, true);
        element = Element.NO_LIST;
      }
    }
  }

  private void open(int bracket, int before) {
    if ((bracket == '(' && before == Words.IN) || (bracket == '[' && before == Words.ARRAY)) {
      element = Element.START;
      listForm = length;
      listNumbers = numberCount;
      listFull = full;
      listDepth = depth;
      listCount = 1;
      listMarked = false;
      return;
    }
    element =
        switch (element) {
          case CAST -> bracket == '(' ? Element.CAST_VALUE : Element.NO_LIST;
          case TYPE, CAST_TYPE -> Element.MODIFIER;
          case NO_LIST, START, TYPED, CAST_VALUE, DONE, TO_TYPE, MODIFIER -> Element.NO_LIST;
        };
  }

  /** Before the bracket is appended. */
  private void close(int bracket) {
    if (element == Element.NO_LIST) {
      return;
    }
    if (depth == listDepth) {
      if ((element == Element.DONE || element == Element.TYPE) && (listCount > 1 || listMarked)) {
        length = listForm;
        numberCount = listNumbers;
        full = listFull;
        mark(LIST, 0, false);
      }
      element = Element.NO_LIST;
      return;
    }
    element =
        switch (element) {
          case CAST_TYPE -> bracket == ')' ? Element.DONE : Element.NO_LIST;
          // In CAST the type's own parentheses are one level further in.
          case MODIFIER -> depth == listDepth + 1 ? Element.TYPE : Element.CAST_TYPE;
          case NO_LIST, START, TYPED, CAST, CAST_VALUE, DONE, TO_TYPE, TYPE -> Element.NO_LIST;
        };
  }

  private void comma() {
    element =
        switch (element) {
          case DONE, TYPE -> {
            listCount++;
            yield Element.START;
          }
          case MODIFIER -> Element.MODIFIER;
          case NO_LIST, START, TYPED, CAST, CAST_VALUE, CAST_TYPE, TO_TYPE -> Element.NO_LIST;
        };
  }

  private void after(boolean operand, boolean spaced) {
    this.operand = operand;
    this.spaced = spaced;
    glued = false;
    signs = -1;
  }

  private void mark(byte mark, int number, boolean space) {
    if (!room(2)) {
      return;
    }
    if (space) {
      form[length++] = ' ';
    }
    form[length++] = mark;
    if (numberCount == numbers.length) {
      numbers = Arrays.copyOf(numbers, numberCount * 2);
    }
    numbers[numberCount++] = number;
  }

  private void append(byte[] from, int start, int end, boolean space) {
    if (!room(end - start + 1)) {
      return;
    }
    if (space) {
      form[length++] = ' ';
    }
    System.arraycopy(from, start, form, length, end - start);
    length += end - start;
  }

  /** Whether there is room for so many bytes more of this statement. */
  private boolean room(int bytes) {
    if (full || length - forms[statements] + bytes > maxText) {
      full = true;
      return false;
    }
    if (form.length - length < bytes) {
      form = Arrays.copyOf(form, Math.max(form.length * 2, length + bytes));
    }
    return true;
  }

  /** How much of a name is left once it ends where a character of UTF-8 ends. */
  private static int wholeCharacters(byte[] name, int size, byte next) {
    if ((next & 0xc0) != 0x80) {
      return size;
    }
    int end = size;
    while (end > 0 && (name[end - 1] & 0xc0) == 0x80) {
      end--;
    }
    return Math.max(end - 1, 1);
  }
}
