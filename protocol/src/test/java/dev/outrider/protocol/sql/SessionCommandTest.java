package dev.outrider.protocol.sql;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.outrider.protocol.sql.SessionCommand.Kind;
import io.netty.buffer.Unpooled;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SessionCommandTest {
  private final Fingerprinter fingerprinter = new Fingerprinter();

  private SessionCommand command(String text, int statement) {
    fingerprinter.read(Unpooled.copiedBuffer(text, StandardCharsets.UTF_8));
    return fingerprinter.sessionCommand(statement);
  }

  private static long hash(String name) {
    byte[] bytes = name.getBytes(StandardCharsets.UTF_8);
    return SessionCommand.nameHash(bytes, 0, bytes.length);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "select 1 | OTHER |",
        "prepare a as select 1 | PREPARE | a",
        "/* x */ PREPARE FooBar (int, text) AS select $1 | PREPARE | foobar",
        "prepare transaction 'a' | OTHER |",
        "prepare transaction as select 1 | PREPARE | transaction",
        "execute \"A \"\"b\" (1) | EXECUTE | A \"b",
        "execute x | EXECUTE | x",
        "deallocate x | DEALLOCATE | x",
        "deallocate prepare x; | DEALLOCATE | x",
        "deallocate prepare | DEALLOCATE | prepare",
        "deallocate prepare; | DEALLOCATE | prepare",
        "deallocate ALL | OTHER |",
        "deallocate prepare all | OTHER |",
        "deallocate \"all\" | DEALLOCATE | all",
        "rollback | OTHER |",
        "rollback to a | ROLLBACK_TO |",
        "ROLLBACK WORK TO SAVEPOINT a | ROLLBACK_TO |",
        "rollback transaction to a | ROLLBACK_TO |",
        "rollback transaction | OTHER |",
        "rollback and chain | OTHER |",
        "execute | OTHER |",
        "execute 5 | OTHER |",
        "drop table x | OTHER |"
      })
  void whatAStatementDoes(String text, Kind kind, String name) {
    assertEquals(new SessionCommand(kind, name == null ? 0 : hash(name)), command(text, 0));
  }

  @Test
  void eachStatementOfATextIsReadByItself() {
    String text = "select 'a;b'; deallocate \"X\"; rollback to y";
    assertEquals(SessionCommand.OTHER, command(text, 0));
    assertEquals(new SessionCommand(Kind.DEALLOCATE, hash("X")), command(text, 1));
    assertEquals(Kind.ROLLBACK_TO, command(text, 2).kind());
  }

  @Test
  void namesAreCutAsPostgresCutsThem() {
    String name = "n".repeat(70);
    assertEquals(hash(name), command("execute " + name, 0).name());
    assertEquals(hash(name), hash("n".repeat(63)));
  }

  @Test
  void aTextThatIsKnownNeedNotBeRead() {
    // Given
    fingerprinter.read(Unpooled.copiedBuffer("select 1", StandardCharsets.UTF_8));
    long known = fingerprinter.textHash();

    // When
    fingerprinter.load(
        Unpooled.copiedBuffer("--select 1--", StandardCharsets.UTF_8), 2, "select 1".length());

    // Then
    assertEquals(known, fingerprinter.textHash());
    assertEquals(1, fingerprinter.read());
    assertEquals("select $1", fingerprinter.text(0));
  }
}
